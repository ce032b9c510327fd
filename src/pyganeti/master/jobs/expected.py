"""Refuses an operation whose names have come to mean something else.

A client that gives the UUID beside a name wants that object and no other: the name may be that of
another one by the time the job has its locks. Called for every opcode, on the snapshot that counts.
Source: parameters that opcodes have twice (``instance_name`` and ``instance_uuid``).
"""

from collections.abc import Callable, Iterator
from typing import Final

from pyganeti.model.errors import ECode, OpPrereqError
from pyganeti.model.instance import Instance
from pyganeti.model.node import Node
from pyganeti.model.view import ClusterView
from pyganeti.opcodes.base import Opcode

_INSTANCE: Final = "instance_uuid"
# They name nodes by themselves, where no names are given.
_NO_NAMES: Final = frozenset({"on_node_uuids"})


def check_uuids(op: Opcode, view: ClusterView) -> None:
    """Compare the UUIDs that ``op`` gives with what its names mean.

    Raises:
        OpPrereqError: ``ECode.STATE``, a name means another object; ``ECode.INVAL``, the name is
            missing, or there are more or fewer names than UUIDs.
    """
    for field in op.__struct_fields__:
        beside = field.endswith(("_uuid", "_uuids")) and field not in _NO_NAMES
        expected = getattr(op, field) if beside else None
        if expected:
            uuids = (expected,) if isinstance(expected, str) else expected
            _check(op, view, field, uuids)


def _check(op: Opcode, view: ClusterView, field: str, expected: tuple[str, ...]) -> None:
    beside = next(name for name in _names_of(field) if hasattr(op, name))
    given = getattr(op, beside)
    # Of an export to another cluster the target is no name.
    names = (given,) if isinstance(given, str) else given or ()
    if len(names) != len(expected):
        text = f"{field} has {len(expected)} UUIDs, {beside} has {len(names)} names"
        raise OpPrereqError(f"{text}: each needs the other", ECode.INVAL)
    find: Callable[[str], Instance | Node | None]
    find = view.find_instance if field == _INSTANCE else view.find_node
    for name, uuid in zip(names, expected, strict=True):
        found = find(name)
        if found is not None and found.uuid != uuid:
            text = f"{beside}: {found.name} has the UUID {found.uuid}, not {uuid} as expected"
            raise OpPrereqError(f"{text}: it may be another one by now", ECode.STATE)


def _names_of(field: str) -> Iterator[str]:
    """What the names may be called that belong to UUIDs."""
    single = field.endswith("_uuid")
    stem = field.removesuffix("_uuid").removesuffix("_uuids")
    yield f"{stem}_name" if single else f"{stem}_names"
    yield stem if single else f"{stem}s"
