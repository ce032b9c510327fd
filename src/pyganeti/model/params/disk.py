"""Disk parameters, by disk template.

Two forms. The *template* form is what cluster and groups store and users write. The *device* form
is what the node gets with each device; :func:`device_params` makes it, for DRBD one for the device
and one for each of its two volumes. Inheritance: built-in, cluster, node group.
Source: gnt-cluster(8), ``--disk-parameters``.
"""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final

from pyganeti.model.enums import DiskAccess, DiskTemplate
from pyganeti.model.errors import ParameterError

from . import kinds
from .checks import at_least, options, port
from .kinds import Kind, Param, ParamSet, Values, param_set

DiskParams = Mapping[DiskTemplate, Values]

_BARRIERS: Final = ("n", "b", "bd", "bdf", "bf", "d", "df", "f")
_PROTOCOLS: Final = ("A", "B", "C")
_ACCESS: Final = Param(
    "access", Kind.STRING, DiskAccess.KERNELSPACE.value, required=True, allowed=tuple(DiskAccess)
)
_RATE: Final = at_least(0)


def _drbd_contradictions(values: Values) -> Iterator[str]:
    low, high = values["c-min-rate"], values["c-max-rate"]
    if values["dynamic-resync"] and isinstance(low, int) and isinstance(high, int) and low > high:
        yield f"c-min-rate ({low}) is higher than c-max-rate ({high})"


_DRBD: Final = (
    Param("c-delay-target", Kind.INT, 1, check=_RATE),
    Param("c-fill-target", Kind.INT, 0, check=_RATE),
    Param("c-max-rate", Kind.INT, 61440, check=_RATE),
    Param("c-min-rate", Kind.INT, 4096, check=_RATE),
    Param("c-plan-ahead", Kind.INT, 20, check=_RATE),
    Param("data-stripes", Kind.INT, 1, check=at_least(1)),
    Param("disk-barriers", Kind.STRING, "n", required=True, allowed=_BARRIERS),
    Param("disk-custom", Kind.STRING, "", check=options),
    Param("dynamic-resync", Kind.BOOL, False),
    Param("meta-barriers", Kind.BOOL, False),
    Param("meta-stripes", Kind.INT, 1, check=at_least(1)),
    Param("metavg", Kind.STRING, "xenvg", required=True),
    Param("net-custom", Kind.STRING, "", check=options),
    Param("protocol", Kind.STRING, "C", required=True, allowed=_PROTOCOLS),
    Param("resync-rate", Kind.INT, 61440, check=_RATE),
)
_GLUSTER: Final = (
    _ACCESS,
    Param("host", Kind.STRING, "127.0.0.1", required=True),
    Param("port", Kind.INT, 24007, check=port),
    Param("volume", Kind.STRING, "gv0", required=True),
)
_RBD: Final = (_ACCESS, Param("pool", Kind.STRING, "rbd", required=True))
_PLAIN: Final = (Param("stripes", Kind.INT, 1, check=at_least(1)),)

_DECLARED: Final[Mapping[DiskTemplate, tuple[Param, ...]]] = {
    DiskTemplate.DRBD: _DRBD,
    DiskTemplate.EXT: (_ACCESS,),
    DiskTemplate.GLUSTER: _GLUSTER,
    DiskTemplate.PLAIN: _PLAIN,
    DiskTemplate.RBD: _RBD,
}

SETS: Final[Mapping[DiskTemplate, ParamSet]] = MappingProxyType(
    {
        template: param_set(
            f"disk template {template}",
            _DECLARED.get(template, ()),
            _drbd_contradictions if template is DiskTemplate.DRBD else None,
        )
        for template in DiskTemplate
    }
)

DEFAULTS: Final[DiskParams] = MappingProxyType(
    {template: params.defaults for template, params in SETS.items()}
)

# Template names that differ on the device; the rest keep theirs. Stripes go to the volumes below.
_DRBD_DEVICE: Final = {
    "disk-barriers": "disabled-barriers",
    "meta-barriers": "disable-meta-flush",
    "metavg": "default-metavg",
}
_DRBD_VOLUMES: Final = ("data-stripes", "meta-stripes")


def _template(name: str) -> DiskTemplate:
    try:
        return DiskTemplate(name)
    except ValueError:
        raise ParameterError(
            f"unknown disk template {name!r}, expected one of {', '.join(DiskTemplate)}"
        ) from None


def updated_diskparams(
    old: Mapping[DiskTemplate, Values], changes: Mapping[str, object]
) -> dict[DiskTemplate, dict[str, object]]:
    """``old`` with a user's ``changes`` by template; ``default`` forgets a value.

    Raises:
        ParameterError: an unknown template, or a value that is not acceptable.
    """
    result = {template: dict(values) for template, values in old.items()}
    for name, values in changes.items():
        template = _template(name)
        if not isinstance(values, Mapping):
            raise ParameterError(f"parameters of {name} are {values!r}, expected a mapping")
        result[template] = kinds.updated(SETS[template], result.get(template, {}), values)
    return result


def check_diskparams(values: Mapping[str, object]) -> dict[DiskTemplate, dict[str, object]]:
    """A user's values by template, converted and checked, ``default`` left out.

    Raises:
        ParameterError: the first that is not acceptable.
    """
    return updated_diskparams({}, values)


def fill_diskparams(
    cluster: DiskParams, group: DiskParams
) -> dict[DiskTemplate, dict[str, object]]:
    """The complete parameters of every template in a group."""
    return {template: fill_diskparams_of(template, cluster, group) for template in DiskTemplate}


def fill_diskparams_of(
    template: DiskTemplate, cluster: DiskParams, group: DiskParams
) -> dict[str, object]:
    """As :func:`fill_diskparams`, of one template."""
    return kinds.filled(DEFAULTS[template], cluster.get(template, {}), group.get(template, {}))


def check_complete_diskparams(values: DiskParams) -> None:
    """Look at filled mappings: each value, then all of a template together.

    Raises:
        ParameterError: the first contradiction.
    """
    for template, params in values.items():
        kinds.check_complete(SETS[template], params)


def device_params(template: DiskTemplate, filled: Values) -> dict[str, object]:
    """The device form of a template's complete parameters, for a disk of ``template`` itself."""
    if template is not DiskTemplate.DRBD:
        return dict(filled)
    return {
        _DRBD_DEVICE.get(name, name): value
        for name, value in filled.items()
        if name not in _DRBD_VOLUMES
    }


def drbd_volume_params(filled: Values) -> tuple[dict[str, object], dict[str, object]]:
    """The device form for the data and the metadata volume below a DRBD device."""
    data, meta = _DRBD_VOLUMES
    return {"stripes": filled[data]}, {"stripes": filled[meta]}
