"""Changes of an instance's list of NICs or disks, made one after the other. Pure.

A change names its device by position, name or UUID, as the list is when its turn comes.
Source: gnt-instance(8) MODIFY.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from pyganeti.model.enums import ListChange
from pyganeti.model.errors import ECode, OpPrereqError
from pyganeti.opcodes.devices import LAST, DeviceChange


class Device(Protocol):
    """What NICs and disks have in common."""

    @property
    def uuid(self) -> str:
        """Its identifier."""
        ...

    @property
    def name(self) -> str | None:
        """What the user calls it."""
        ...


D = TypeVar("D", bound=Device)

# Gives the device that a change makes of the one there was, if there was one; the text names its
# place in messages.
Maker = Callable[[str, D | None, DeviceChange], D]
NEW = frozenset({ListChange.ADD, ListChange.ATTACH})
GONE = frozenset({ListChange.REMOVE, ListChange.DETACH})


@dataclass(frozen=True, slots=True)
class Edit(Generic[D]):
    """One change that was made.

    Attributes:
        action: what was done.
        index: position at that time.
        device: as it is then; one that was taken out as it was.
        given: keys of the request.
        final: position in the final list, or ``None`` when it is not there.
    """

    action: ListChange
    index: int
    device: D
    given: tuple[str, ...]
    final: int | None


def edited(
    devices: Sequence[D],
    changes: Sequence[DeviceChange],
    *,
    kind: str,
    most: int,
    make: Maker[D],
    end: Callable[[Sequence[D]], int] = len,
) -> tuple[tuple[D, ...], tuple[Edit[D], ...]]:
    """The list after all changes, and what each of them did.

    Args:
        devices: as they are.
        changes: in order.
        kind: ``nic`` or ``disk``, for messages.
        most: how many there may be.
        make: makes new and changed devices.
        end: how many come before a new last one.

    Raises:
        OpPrereqError: there is no such device or place, or too many would be there.
    """
    slots = [[device] for device in devices]
    done: list[tuple[DeviceChange, int, list[D], D]] = []
    for change in changes:
        present = [slot[0] for slot in slots]
        if change.action in NEW:
            index = _place(present, change, kind, end(present))
            slot = [make(f"{kind}/{index}", None, change)]
            slots.insert(index, slot)
            if len(slots) > most:
                raise OpPrereqError(f"an instance has at most {most} {kind}s", ECode.STATE)
        else:
            where = change.where
            if where == LAST and end(present) > 0:
                where = end(present) - 1
            index = find(present, where, kind)
            slot = slots[index]
            if change.action in GONE:
                _refuse_params(change, f"{kind}/{index}")
                del slots[index]
            else:
                slot[0] = make(f"{kind}/{index}", slot[0], change)
        done.append((change, index, slot, slot[0]))
    places = {id(slot): index for index, slot in enumerate(slots)}
    edits = (
        Edit(change.action, index, device, tuple(change.params), places.get(id(slot)))
        for change, index, slot, device in done
    )
    return tuple(slot[0] for slot in slots), tuple(edits)


def _place(present: Sequence[Device], change: DeviceChange, kind: str, end: int) -> int:
    where = change.where
    if where == LAST:
        return end
    if isinstance(where, int) and 0 <= where <= len(present):
        return where
    expected = f"a position from 0 to {len(present)}, or {LAST} for the end"
    text = f"a {kind} cannot be put at {where!r}, expected {expected}"
    raise OpPrereqError(text, ECode.INVAL)


def find(present: Sequence[Device], where: int | str, kind: str) -> int:
    """Position of the device that ``where`` names.

    Raises:
        OpPrereqError: ``ECode.NOENT``, there is none.
    """
    if where == LAST and present:
        return len(present) - 1
    if isinstance(where, int) and 0 <= where < len(present):
        return where
    for index, device in enumerate(present):
        if where in (device.uuid, device.name):
            return index
    raise OpPrereqError(f"the instance has no {kind} {where!r}, it has {len(present)}", ECode.NOENT)


def _refuse_params(change: DeviceChange, what: str) -> None:
    if change.params:
        text = f"{what}: {min(change.params)!r} means nothing when it is taken out"
        raise OpPrereqError(text, ECode.INVAL)
