"""What an allocator can be asked, and what it may answer. Pure.

Each request says what of it an allocator reads (``asked``), and reads its answer (``read``), in
which nothing is believed. Source: Ganeti's allocator protocol, version 2.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol, TypeVar

import msgspec

from pyganeti.kit.mismatch import in_words
from pyganeti.model.enums import AllocatorMode, DiskMode, DiskTemplate, EvacMode, Hypervisor
from pyganeti.model.errors import GenericError, OpExecError
from pyganeti.model.group import NodeGroup
from pyganeti.model.instance import Instance
from pyganeti.model.nic import Nic
from pyganeti.model.node import Node
from pyganeti.model.templates import INTERNALLY_MIRRORED
from pyganeti.model.view import ClusterView
from pyganeti.opcodes.base import Opcode
from pyganeti.opcodes.codec import decode
from pyganeti.opcodes.instance import (
    OpInstanceFailover,
    OpInstanceMigrate,
    OpInstanceReplaceDisks,
)

from .input import Json, disk_space, nic_input

Found = TypeVar("Found", covariant=True)

_SILENT: Final = "no reason given"
# What an allocator may have done with the instances that it was asked about.
_MOVES: Final = (OpInstanceFailover, OpInstanceMigrate, OpInstanceReplaceDisks)
Move = OpInstanceFailover | OpInstanceMigrate | OpInstanceReplaceDisks


class Request(Protocol[Found]):
    """A question."""

    @property
    def hypervisor(self) -> Hypervisor | None:
        """Whose memory counts; of several the cluster's first."""
        ...

    def asked(self, view: ClusterView) -> Json:
        """The request as the allocator reads it."""
        ...

    def read(self, result: object, view: ClusterView) -> Found:
        """The answer.

        Raises:
            OpExecError: it is none to this question.
        """
        ...


@dataclass(frozen=True, slots=True)
class Allocate:
    """Where a new instance goes; the answer are its nodes, the primary first.

    Attributes:
        disks: size in MiB, mode and spindles of each.
        group: only nodes of this one.
        among: names of the nodes that may be chosen, if not all.
    """

    name: str
    disk_template: DiskTemplate
    disks: tuple[Mapping[str, Any], ...]  # Any: JSON values
    nics: tuple[Nic, ...]
    memory: int
    vcpus: int
    spindle_use: int
    os: str
    hypervisor: Hypervisor
    tags: tuple[str, ...] = ()
    group: str | None = None
    among: tuple[str, ...] | None = None

    @classmethod
    def of(
        cls,
        instance: Instance,
        template: DiskTemplate,
        disks: Iterable[tuple[int, DiskMode]],
        view: ClusterView,
        *,
        group: str | None = None,
        among: tuple[str, ...] | None = None,
    ) -> "Allocate":
        """The request for ``instance`` with ``disks``: size in MiB and mode of each."""
        beparams = view.filled_beparams(instance)
        return cls(
            instance.name,
            template,
            tuple({"size": size, "mode": str(mode), "spindles": None} for size, mode in disks),
            instance.nics,
            memory=beparams.maxmem,
            vcpus=beparams.vcpus,
            spindle_use=beparams.spindle_use,
            os=instance.os,
            hypervisor=instance.hypervisor,
            tags=instance.tags,
            group=group,
            among=among,
        )

    @property
    def required_nodes(self) -> int:
        """How many nodes it has."""
        return 2 if self.disk_template in INTERNALLY_MIRRORED else 1

    def asked(self, view: ClusterView) -> Json:
        """See :class:`Request`."""
        found: Json = {
            "type": str(AllocatorMode.ALLOCATE),
            "name": self.name,
            "disk_template": str(self.disk_template),
            "group_name": self.group,
            "tags": list(self.tags),
            "os": self.os,
            "vcpus": self.vcpus,
            "memory": self.memory,
            "spindle_use": self.spindle_use,
            "disks": [dict(disk) for disk in self.disks],
            "disk_space_total": disk_space(
                self.disk_template, [int(disk["size"]) for disk in self.disks]
            ),
            "nics": [nic_input(nic, view) for nic in self.nics],
            "required_nodes": self.required_nodes,
            "hypervisor": str(self.hypervisor),
        }
        if self.among is not None:
            found["restrict-to-nodes"] = list(self.among)
        return found

    def read(self, result: object, view: ClusterView) -> tuple[Node, ...]:
        """See :class:`Request`."""
        found = _nodes(result, view, self.required_nodes)
        strange = [node.name for node in found if self.among and node.name not in self.among]
        if strange:
            raise OpExecError(f"it chose {', '.join(strange)}, which was not to be had")
        for node in found:
            if self.group not in (None, view.group_of(node).name):
                raise OpExecError(f"it chose {node.name}, which is not in node group {self.group}")
        return found


@dataclass(frozen=True, slots=True)
class Relocate:
    """Which node takes over from one of an instance's: its secondary, or with shared disks its
    only one."""

    instance: Instance

    @property
    def hypervisor(self) -> Hypervisor:
        """See :class:`Request`."""
        return self.instance.hypervisor

    def asked(self, view: ClusterView) -> Json:
        """See :class:`Request`."""
        disks = view.disks_of(self.instance)
        template = DiskTemplate(view.disk_template(self.instance))
        return {
            "type": str(AllocatorMode.RELOCATE),
            "name": self.instance.name,
            "disk_space_total": disk_space(template, [disk.size for disk in disks]),
            "required_nodes": 1,
            "relocate_from": [self._leaves(view).name],
        }

    def read(self, result: object, view: ClusterView) -> Node:
        """See :class:`Request`."""
        (found,) = _nodes(result, view, 1)
        if found in view.instance_nodes(self.instance):
            raise OpExecError(f"it chose {found.name}, which instance {self.instance.name} has")
        if found.group != self._leaves(view).group:
            raise OpExecError(f"it chose {found.name}, which is in another node group")
        return found

    def _leaves(self, view: ClusterView) -> Node:
        return view.instance_nodes(self.instance)[-1]


@dataclass(frozen=True, slots=True)
class AllocateSecondary:
    """Which node is to mirror the disks of an instance that has none for that."""

    instance: Instance

    @property
    def hypervisor(self) -> Hypervisor:
        """See :class:`Request`."""
        return self.instance.hypervisor

    def asked(self, view: ClusterView) -> Json:
        """See :class:`Request`."""
        return {"type": str(AllocatorMode.ALLOCATE_SECONDARY), "name": self.instance.name}

    def read(self, result: object, view: ClusterView) -> Node:
        """See :class:`Request`."""
        (found,) = _nodes([result], view, 1)
        if found.uuid == self.instance.primary_node:
            raise OpExecError(f"it chose {found.name}, which is the primary node")
        return found


@dataclass(frozen=True, slots=True)
class Moves:
    """How instances are to be moved.

    Attributes:
        moved: names of instances, and of the nodes that they will be on.
        failed: those that cannot be moved, with the reason.
        jobs: what does it, in order.
    """

    moved: tuple[tuple[str, tuple[str, ...]], ...]
    failed: tuple[tuple[str, str], ...]
    jobs: tuple[tuple[Move, ...], ...]


@dataclass(frozen=True, slots=True)
class ChangeGroup:
    """How instances get to other node groups; with no targets, to any other."""

    instances: tuple[Instance, ...]
    targets: tuple[NodeGroup, ...]

    @property
    def hypervisor(self) -> Hypervisor | None:
        """See :class:`Request`."""
        return _common(self.instances)

    def asked(self, view: ClusterView) -> Json:
        """See :class:`Request`."""
        return {
            "type": str(AllocatorMode.CHANGE_GROUP),
            "instances": [one.name for one in self.instances],
            "target_groups": [group.uuid for group in self.targets],
        }

    def read(self, result: object, view: ClusterView) -> Moves:
        """See :class:`Request`."""
        return _moves(result, self.instances)


@dataclass(frozen=True, slots=True)
class NodeEvacuate:
    """How instances leave their nodes."""

    instances: tuple[Instance, ...]
    mode: EvacMode

    @property
    def hypervisor(self) -> Hypervisor | None:
        """See :class:`Request`."""
        return _common(self.instances)

    def asked(self, view: ClusterView) -> Json:
        """See :class:`Request`."""
        return {
            "type": str(AllocatorMode.NODE_EVACUATE),
            "instances": [one.name for one in self.instances],
            "evac_mode": str(self.mode),
        }

    def read(self, result: object, view: ClusterView) -> Moves:
        """See :class:`Request`."""
        return _moves(result, self.instances)


@dataclass(frozen=True, slots=True)
class Allocations:
    """Where several new instances go.

    Attributes:
        placed: their nodes by name, the primary first.
        failed: names of those that have no place, with the reason where one is given.
    """

    placed: Mapping[str, tuple[Node, ...]]
    failed: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class MultiAllocate:
    """Where several new instances go, all of them together."""

    instances: tuple[Allocate, ...]

    @property
    def hypervisor(self) -> Hypervisor | None:
        """See :class:`Request`."""
        found = {one.hypervisor for one in self.instances}
        return found.pop() if len(found) == 1 else None

    def asked(self, view: ClusterView) -> Json:
        """See :class:`Request`."""
        return {
            "type": str(AllocatorMode.MULTI_ALLOCATE),
            "instances": [one.asked(view) for one in self.instances],
        }

    def read(self, result: object, view: ClusterView) -> Allocations:
        """See :class:`Request`."""
        answer = _shaped(result, tuple[list[tuple[str, list[str]]], list[str | tuple[str, str]]])
        known = {one.name: one for one in self.instances}
        # Ganeti's own allocator tells reasons, though its protocol has names only.
        pairs = ((one, _SILENT) if isinstance(one, str) else one for one in answer[1])
        failed: dict[str, str] = dict(pairs)
        placed: dict[str, tuple[Node, ...]] = {}
        for name, nodes in answer[0]:
            if name not in known:
                raise OpExecError(f"it placed {name}, about which it was not asked")
            placed[name] = known[name].read(nodes, view)
        missing = sorted(known.keys() ^ {*placed, *failed})
        if missing or placed.keys() & failed.keys():
            raise OpExecError(f"it did not say what becomes of {', '.join(missing)}")
        return Allocations(placed, failed)


def _shaped(result: object, shape: Any) -> Any:  # Any: a type expression, and what has that type
    try:
        return msgspec.convert(result, shape)
    except msgspec.ValidationError as err:
        raise OpExecError(f"its answer has not the right shape: {in_words(str(err))}") from err


def _nodes(result: object, view: ClusterView, count: int) -> tuple[Node, ...]:
    names: list[str] = _shaped(result, list[str])
    if len(names) != count or len(set(names)) != count:
        text = f"it chose {len(set(names))} nodes ({', '.join(names)}), {count} were asked for"
        raise OpExecError(text)
    known = {node.name: node for node in view.nodes.values()}
    for name in names:
        if name not in known:
            raise OpExecError(f"it chose {name}, which is no node of this cluster")
    return tuple(known[name] for name in names)


def _common(instances: Sequence[Instance]) -> Hypervisor | None:
    found = {one.hypervisor for one in instances}
    return found.pop() if len(found) == 1 else None


_MOVED = list[tuple[str, str, list[str]]]
_FAILED = list[tuple[str, str | None]]
_JOBS = list[list[dict[str, Any]]]  # Any: opcodes as JSON


def _moves(result: object, instances: Sequence[Instance]) -> Moves:
    moved, failed, jobs = _shaped(result, tuple[_MOVED, _FAILED, _JOBS])
    names = frozenset(one.name for one in instances)
    for name, *_rest in (*moved, *failed):
        _check_known(name, names)
    return Moves(
        tuple((name, tuple(nodes)) for name, _group, nodes in moved),
        tuple((name, why or _SILENT) for name, why in failed),
        tuple(tuple(_move(op, names) for op in job) for job in jobs),
    )


def _move(data: Json, names: frozenset[str]) -> Move:
    try:
        op: Opcode = decode(data)
    except GenericError as err:
        raise OpExecError(f"it wants an opcode that is none: {err}") from err
    if not isinstance(op, _MOVES):
        raise OpExecError(f"it wants {op.op_id()}, which moves no instance")
    _check_known(op.instance_name, names)
    return op


def _check_known(name: str, names: frozenset[str]) -> None:
    if name not in names:
        raise OpExecError(f"its answer is about {name}, about which it was not asked")
