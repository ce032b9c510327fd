"""Fields of instances' parameters: ``hv/...``, ``be/...`` and the whole sets."""

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from pyganeti.model.enums import FieldStatus
from pyganeti.model.instance import Instance
from pyganeti.model.params.be import BE, MEMORY
from pyganeti.model.params.hv import CLUSTER_ONLY, SETS
from pyganeti.model.params.kinds import Param

from .fields import PARAM_KINDS, Field, FieldKind, alias
from .instance_context import InstanceContext, InstanceField

_OTHER: Final = FieldKind.OTHER


def _hvparam(name: str) -> Callable[[Instance, InstanceContext], object]:
    def of(instance: Instance, context: InstanceContext) -> object:
        value = context.hvparams(instance).get(name)
        return FieldStatus.UNAVAIL if value is None else value

    return of


def _beparam(name: str) -> Callable[[Instance, InstanceContext], object]:
    return lambda instance, context: context.beparams(instance)[name]


def _hv_fields() -> Iterator[InstanceField]:
    """One for each parameter that any hypervisor has; elsewhere it is unavailable."""
    every: dict[str, Param] = {}
    for params in SETS.values():
        for name, param in params.params.items():
            # A title stands in one hypervisor's declaration or in all that have the parameter.
            if name not in every or param.title:
                every[name] = param
    for name in sorted(every.keys() - CLUSTER_ONLY):
        param = every[name]
        yield Field(
            f"hv/{name}",
            param.title or f"hv/{name}",
            PARAM_KINDS[param.kind],
            f"Hypervisor parameter {name}",
            _hvparam(name),
        )


def _be_fields() -> Iterator[InstanceField]:
    for name, param in BE.params.items():
        field: InstanceField = Field(
            f"be/{name}",
            param.title or f"be/{name}",
            PARAM_KINDS[param.kind],
            f"Backend parameter {name}",
            _beparam(name),
        )
        yield field
        if name == "maxmem":
            yield alias(f"be/{MEMORY}", field)
        if name == "vcpus":
            yield alias(name, field)


def _filled_osparams(instance: Instance, context: InstanceContext) -> object:
    return context.view.filled_osparams(instance)


FIELDS: Final[Sequence[InstanceField]] = [
    *_hv_fields(),
    *_be_fields(),
    Field(
        "hvparams",
        "HypervisorParameters",
        _OTHER,
        "Hypervisor parameters, filled",
        lambda instance, context: context.hvparams(instance),
    ),
    Field(
        "beparams",
        "BackendParameters",
        _OTHER,
        "Backend parameters, filled",
        lambda instance, context: context.beparams(instance),
    ),
    Field("osparams", "OpSysParameters", _OTHER, "OS parameters, filled", _filled_osparams),
    Field(
        "custom_hvparams",
        "CustomHypervisorParameters",
        _OTHER,
        "Hypervisor parameters of its own",
        lambda instance, _: instance.hvparams,
    ),
    Field(
        "custom_beparams",
        "CustomBackendParameters",
        _OTHER,
        "Backend parameters of its own",
        lambda instance, _: instance.beparams,
    ),
    Field(
        "custom_nicparams",
        "CustomNicParameters",
        _OTHER,
        "Parameters of its NICs' own, one mapping each",
        lambda instance, _: [nic.nicparams for nic in instance.nics],
    ),
    Field(
        "custom_osparams",
        "CustomOpSysParameters",
        _OTHER,
        "OS parameters of its own",
        lambda instance, _: instance.osparams,
    ),
]
