"""NICs and disks as a request describes them, and changes of their lists.

On the wire they are plain mappings; Logical Units read them through these types. Opcodes call the
same functions at submission, so that a misspelt key is refused before the job is queued.
Source: gnt-instance(8), ``--net`` and ``--disk``.
"""

from collections.abc import Iterable, Mapping
from typing import Final, TypeVar

import msgspec

from pyganeti.model.enums import POOL_MODE, DiskMode, DiskTemplate, ListChange, NicMode
from pyganeti.model.errors import ECode, OpPrereqError, UnitParseError
from pyganeti.model.units import parse_unit

from .describe import describe

T = TypeVar("T")

_BRINGS: Final = frozenset({ListChange.ADD, ListChange.ATTACH})

LAST: Final = -1
"""As position in a list of devices: behind the last one."""


class INicParams(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A NIC as requested; what is ``None`` was not given.

    Attributes:
        mac: an address, ``auto`` or ``generate``.
        ip: an address, ``none``, or ``pool`` for a free one of the network.
        mode: a :class:`NicMode`, or ``pool`` for that of the network's connection.
        bridge: old name for ``link`` of a bridged NIC.
        network: name or UUID, or ``none``.
    """

    mac: str | None = None
    ip: str | None = None
    mode: str | None = None
    link: str | None = None
    vlan: str | None = None
    name: str | None = None
    network: str | None = None
    bridge: str | None = None


class IDiskParams(msgspec.Struct, frozen=True, kw_only=True):
    """A disk as requested; what is ``None`` was not given.

    Attributes:
        size: MiB.
        adopt: an existing volume or device to take over.
        vg: volume group; ``metavg`` that of DRBD's metadata.
        provider: of external storage; every other key is then a parameter for it.
        opaque: keys that are none of ours.
    """

    size: int | None = None
    mode: DiskMode | None = None
    name: str | None = None
    adopt: str | None = None
    vg: str | None = None
    metavg: str | None = None
    spindles: int | None = None
    access: str | None = None
    provider: str | None = None
    dev_type: DiskTemplate | None = None
    opaque: Mapping[str, object] = msgspec.field(default_factory=dict)


class DeviceChange(msgspec.Struct, frozen=True):
    """One change of a list of devices.

    Attributes:
        action: what to do.
        where: position, name or UUID; :data:`LAST` for the end.
        params: of the new device, or what changes of an old one.
    """

    action: ListChange
    where: int | str
    params: Mapping[str, object]

    def name(self, kind: str) -> str:
        """What it is about, for messages: ``disk 1``, ``the new disk``, ``the last disk``."""
        if self.where != LAST:
            return f"{kind} {self.where}"
        return f"the new {kind}" if self.action in _BRINGS else f"the last {kind}"


_NIC_MODES: Final = (*NicMode, POOL_MODE)
_DISK_KEYS: Final = frozenset(IDiskParams.__struct_fields__) - {"opaque"}
# What each of them may be, in words; whoever describes a disk leaves out what is null.
_DISK_TYPES: Final = {
    field.name: describe(field.type).removesuffix(" or null")
    for field in msgspec.structs.fields(IDiskParams)
}


def _refused(what: str, value: object, expected: str) -> OpPrereqError:
    return OpPrereqError(f"{what} has the value {value!r}, expected {expected}", ECode.INVAL)


def parse_nic(values: Mapping[str, object], what: str) -> INicParams:
    """The NIC that ``values`` describes; ``what`` names it in messages.

    Raises:
        OpPrereqError: ``ECode.INVAL``, an unknown key or a value of the wrong type.
    """
    known = INicParams.__struct_fields__
    for key, value in values.items():
        if key not in known:
            raise OpPrereqError(
                f"{what}: unknown parameter {key!r}, known: {', '.join(known)}", ECode.INVAL
            )
        if value is not None and not isinstance(value, str):
            raise _refused(f"{what}: {key!r}", value, "a string")
    nic = msgspec.convert(values, INicParams)
    if nic.mode is not None and nic.mode not in _NIC_MODES:
        raise _refused(f"{what}: 'mode'", nic.mode, f"one of {', '.join(_NIC_MODES)}")
    return nic


def parse_disk(values: Mapping[str, object], what: str) -> IDiskParams:
    """The disk that ``values`` describes; ``what`` names it in messages.

    Raises:
        OpPrereqError: ``ECode.INVAL``, a value of the wrong type or a size that is none.
    """
    own = {key: value for key, value in values.items() if key in _DISK_KEYS}
    if own.get("adopt") is not None and own.get("size") == 0:
        # As commands send it: the node tells the size of what is adopted.
        del own["size"]
    if own.get("size") is not None:
        own["size"] = parse_size(own["size"], f"{what}: 'size'")
    for key, value in own.items():
        try:
            msgspec.convert({key: value}, IDiskParams)
        except msgspec.ValidationError as err:
            raise _refused(f"{what}: {key!r}", value, _DISK_TYPES[key]) from err
    opaque = {key: value for key, value in values.items() if key not in _DISK_KEYS}
    return msgspec.convert({**own, "opaque": opaque}, IDiskParams)


def parse_size(value: object, what: str) -> int:
    """A size in MiB, from a number or a text such as ``10g``.

    Raises:
        OpPrereqError: ``ECode.INVAL``, it is none, or not above 0.
    """
    if isinstance(value, str):
        try:
            value = parse_unit(value)
        except UnitParseError as err:
            raise OpPrereqError(f"{what}: {err}", ECode.INVAL) from err
    if isinstance(value, bool) or not isinstance(value, int) or value <= 0:
        raise _refused(what, value, "a size above 0, in MiB")
    return value


def device_changes(mods: Iterable[tuple[object, ...]], what: str) -> list[DeviceChange]:
    """The changes that a request asks for.

    Two forms: ``[action, where, params]``, and the old ``[action or position, params]``.

    Args:
        mods: as they stand in the opcode.
        what: names the list in messages, ``disks`` or ``nics``.

    Raises:
        OpPrereqError: ``ECode.INVAL``, one has neither form.
    """
    return [_device_change(tuple(mod), what) for mod in mods]


def _device_change(mod: tuple[object, ...], what: str) -> DeviceChange:
    if len(mod) == 2:
        mod = _new_form(mod[0], mod[1])
    match mod:
        case (str() as action, (int() | str()) as where, params) if (
            action in set(ListChange)
            and isinstance(params, Mapping)
            and not isinstance(where, bool)
        ):
            position = int(where) if _is_number(where) else where
            return DeviceChange(ListChange(action), position, params)
    expected = f"[action, position or name, parameters], actions: {', '.join(ListChange)}"
    raise _refused(f"a change of {what}", list(mod), expected)


def _new_form(first: object, params: object) -> tuple[object, ...]:
    if isinstance(first, str) and first in set(ListChange):
        return (first, LAST, params)
    return (ListChange.MODIFY.value, first, params)


def _is_number(where: int | str) -> bool:
    return isinstance(where, int) or where.removeprefix("-").isdecimal()
