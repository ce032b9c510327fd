"""Changes of an instance's parameters and states: the fields that become others. Pure.

Source: gnt-instance(8) MODIFY.
"""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from pyganeti.model.enums import AdminState, AdminStateSource
from pyganeti.model.errors import ECode, OpPrereqError
from pyganeti.model.instance import Instance
from pyganeti.model.params.be import check_complete_beparams, updated_beparams
from pyganeti.model.params.hv import check_complete_hvparams, updated_instance_hvparams
from pyganeti.model.params.hv_kvm import misfit_topology
from pyganeti.model.params.kinds import DEFAULT
from pyganeti.model.view import ClusterView
from pyganeti.opcodes.instance import OpInstanceSetParams

# Any: parameter values are JSON.
Values = Mapping[str, Any]
_ONLY_WITH_VNC: Final = ("vnc_password_file", "vnc_tls", "vnc_x509_path", "vnc_x509_verify")
Lines = tuple[tuple[str, Any], ...]

REDACTED: Final = "<redacted>"


def changed_fields(op: OpInstanceSetParams, before: Instance, view: ClusterView) -> dict[str, Any]:
    """Fields of the instance that ``op`` changes, but for NICs and disks, with their new values.

    Raises:
        ParameterError, OpPrereqError: a value is not acceptable, alone or beside the others.
    """
    fields: dict[str, Any] = {}
    if op.hvparams:
        fields["hvparams"] = updated_instance_hvparams(
            before.hypervisor, before.hvparams, op.hvparams
        )
    if op.beparams:
        fields["beparams"] = updated_beparams(before.beparams, op.beparams)
    if op.os_name is not None:
        fields["os"] = op.os_name
    if op.osparams:
        fields["osparams"] = _updated(before.osparams, op.osparams)
    if op.osparams_private:
        fields["osparams_private"] = _updated(before.osparams_private, op.osparams_private)
    if op.offline is not None:
        fields |= _state(before, offline=op.offline)
    after = msgspec.structs.replace(before, **fields)
    if op.hvparams or op.os_name is not None:
        check_complete_hvparams(after.hypervisor, view.filled_hvparams(after))
    check_complete_beparams(view.filled_beparams(after))
    check_cpus(after, view)
    check_vnc(op.hvparams, after, view)
    return fields


def _updated(old: Values, changes: Values) -> dict[str, Any]:
    """Null and ``default`` forget a value."""
    merged = {**old, **changes}
    return {key: value for key, value in merged.items() if value not in (None, DEFAULT)}


def _state(before: Instance, *, offline: bool) -> dict[str, Any]:
    wanted = AdminState.OFFLINE if offline else AdminState.DOWN
    allowed = (AdminState.DOWN, AdminState.OFFLINE) if offline else (AdminState.OFFLINE,)
    if before.admin_state not in allowed:
        text = f"instance {before.name} is marked to be {before.admin_state}, not {allowed[0]}"
        raise OpPrereqError(text, ECode.STATE)
    return {"admin_state": wanted, "admin_state_source": AdminStateSource.ADMIN}


def check_cpus(instance: Instance, view: ClusterView) -> None:
    """Refuse hypervisor parameters of the CPUs that do not go with their number.

    Raises:
        OpPrereqError: ``ECode.INVAL``; masks or cores are too many or too few.
    """
    hvparams = view.filled_hvparams(instance)
    masks = str(hvparams.get("cpu_mask", "")).split(":")
    vcpus = view.filled_beparams(instance).vcpus
    if len(masks) not in (1, vcpus):
        text = f"cpu_mask has entries for {len(masks)} CPUs, the instance has {vcpus}"
        raise OpPrereqError(text, ECode.INVAL)
    if (misfit := misfit_topology(hvparams, vcpus)) is not None:
        raise OpPrereqError(misfit, ECode.INVAL)


def check_vnc(asked: Values, instance: Instance, view: ClusterView) -> None:
    """Refuse to set how VNC works for a guest without VNC; what was set before is let pass.

    Args:
        asked: hypervisor parameters of the opcode.
        instance: as it then is.
        view: the cluster.

    Raises:
        OpPrereqError: ``ECode.INVAL``; names the parameter.
    """
    if view.filled_hvparams(instance).get("vnc_bind_address"):
        return
    for name in _ONLY_WITH_VNC:
        if name in asked and instance.hvparams.get(name):
            text = f"hypervisor parameter {name} is set, but vnc_bind_address is empty: no VNC"
            raise OpPrereqError(text, ECode.INVAL)


def parameter_lines(op: OpInstanceSetParams, fields: Mapping[str, Any]) -> Lines:
    """What becomes of parameters and states, as the opcode's result has it; no secrets."""
    beparams = dict(op.beparams)
    if "memory" in beparams:
        memory = beparams.pop("memory")
        beparams |= {"maxmem": memory, "minmem": memory}
    lines: list[tuple[str, Any]] = [(f"hv/{key}", value) for key, value in op.hvparams.items()]
    lines += [(f"be/{key}", value) for key, value in beparams.items()]
    if op.os_name is not None:
        lines.append(("os", op.os_name))
    lines += [(f"os/{key}", value) for key, value in op.osparams.items()]
    lines += [(f"os_private/{key}", REDACTED) for key in op.osparams_private or ()]
    if "admin_state" in fields:
        lines.append(("admin_state", fields["admin_state"]))
    return tuple(lines)
