"""Instance policies: options to the parameter ``ipolicy``, and back to text. Pure.

Source: gnt-cluster(8) INIT and gnt-group(8) on ``--ipolicy-...``.
"""

import shlex
from typing import TYPE_CHECKING, Any, Final

from pyganeti.cli import info
from pyganeti.model.errors import OpPrereqError, UnitParseError
from pyganeti.model.units import parse_unit

if TYPE_CHECKING:
    from optparse import Values

# An instance policy, whole or in part, by Ganeti's keys.
Policy = dict[str, Any]
_SIZES: Final = frozenset({"disk-size", "memory-size"})
SPECS: Final = frozenset(
    {"cpu-count", "disk-count", "disk-size", "memory-size", "nic-count", "spindle-use"}
)
# In place of a value: the one of the level above.
_DEFAULT: Final = "default"
_RATIOS: Final = ("vcpu-ratio", "spindle-ratio")


def parse_specs(values: dict[str, Any], what: str) -> dict[str, int]:
    """Numbers of a specification; sizes in MiB.

    Raises:
        OpPrereqError: an unknown name, or not a number.
    """
    read = {}
    for key, value in values.items():
        if key not in SPECS:
            raise OpPrereqError(
                f"{what}: unknown {key!r}: expected one of {', '.join(sorted(SPECS))}"
            )
        read[key] = parse_spec(key, value, what)
    return read


def parse_spec(key: str, value: object, what: str) -> int:
    """One number of a specification.

    Raises:
        OpPrereqError: not a number.
    """
    try:
        return parse_unit(str(value)) if key in _SIZES else int(str(value))
    except (UnitParseError, ValueError) as err:
        raise OpPrereqError(f"{what}: {key}={value!r} is not a number") from err


def policy_from(opts: "Values", *, group: bool = False) -> Policy:
    """What the ``--ipolicy-...`` options say; keys that were not given are left out."""
    policy: Policy = {}
    if opts.ipolicy_bounds_specs is not None:
        policy["minmax"] = _bounds(opts.ipolicy_bounds_specs)
    if not group and opts.ipolicy_std_specs is not None:
        policy["std"] = parse_specs(opts.ipolicy_std_specs, "--ipolicy-std-specs")
    values = {
        "disk-templates": _templates(opts.ipolicy_disk_templates),
        "vcpu-ratio": opts.ipolicy_vcpu_ratio,
        "spindle-ratio": opts.ipolicy_spindle_ratio,
    }
    policy.update((key, value) for key, value in values.items() if value is not None)
    return policy


def _templates(given: list[str] | None) -> list[str] | str | None:
    return _DEFAULT if given == [_DEFAULT] else given


def _bounds(groups: list[dict[str, dict[str, Any]]]) -> list[dict[str, dict[str, int]]] | str:
    if groups == [{_DEFAULT: {}}]:
        return _DEFAULT
    what = "--ipolicy-bounds-specs"
    for group in groups:
        if set(group) != {"min", "max"}:
            raise OpPrereqError(f"{what}: each group needs min and max")
    return [{key: parse_specs(group[key], what) for key in ("min", "max")} for group in groups]


def show(custom: Policy, actual: Policy, *, cluster: bool = False) -> list[tuple[str, Any]]:
    """A policy for an ``info`` command; what is inherited is marked."""
    own = "minmax" in custom
    bounds = [
        [
            (f"{key}/{number}", info.params(group[key] if own else {}, group[key]))
            for key in ("max", "min")
        ]
        for number, group in enumerate(actual.get("minmax", []))
    ]
    shown: list[tuple[str, Any]] = [("bounds specs", bounds)]
    if cluster:
        shown.append(("std", info.params(actual["std"], actual["std"])))
    shown.append(("allowed disk templates", _inherited(custom, actual, "disk-templates")))
    return shown + [(key, _inherited(custom, actual, key)) for key in _RATIOS]


def specs_command(command: str, policy: Policy, name: str, *, std: bool = False) -> str:
    """``command`` with options that make the specs of ``policy``, for the object ``name``.

    Args:
        command: its first words, as in ``gnt-group add``.
        policy: whole or in part; what is not in it gets no option.
        name: of the object.
        std: with the standard instance, which only the cluster has.
    """
    words = [command]
    if std and "std" in policy:
        words += ["--ipolicy-std-specs", _spec_text(policy["std"])]
    if "minmax" in policy:
        pairs = (
            f"min:{_spec_text(pair['min'])}/max:{_spec_text(pair['max'])}"
            for pair in policy["minmax"]
        )
        words += ["--ipolicy-bounds-specs", "//".join(pairs)]
    return " ".join([*words, shlex.quote(name)])


def _spec_text(spec: dict[str, int]) -> str:
    return ",".join(f"{key}={spec[key]}" for key in sorted(spec))


def _inherited(custom: Policy, actual: Policy, key: str) -> str:
    value = actual.get(key)
    text = ", ".join(value) if isinstance(value, list) else str(value)
    return text if key in custom else f"default ({text})"
