"""Record the sizes that disks have: ``gnt-cluster repair-disk-sizes``.

Data flow: primary nodes' answers -> what differs (reads only) -> configuration.
Source: gnt-cluster(8) REPAIR-DISK-SIZES.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import msgspec

from pyganeti.master.instances.specs import disk_spec
from pyganeti.master.jobs.run import Run
from pyganeti.master.locks import ALL, LockRequest
from pyganeti.master.lu.base import LogicalUnit
from pyganeti.master.nodes import NodeReader
from pyganeti.model.change import Change
from pyganeti.model.disk import Disk
from pyganeti.model.enums import DiskTemplate
from pyganeti.model.errors import GenericError
from pyganeti.model.instance import Instance
from pyganeti.model.templates import INTERNALLY_MIRRORED
from pyganeti.model.view import ClusterView
from pyganeti.opcodes.cluster import OpClusterRepairDiskSizes
from pyganeti.wire.noderpc.blockdev import BlockdevGetdimensionsCall

_MIB = 1 << 20

# Instance name, number of the disk, field, and its value from now on.
Row = tuple[str, int, str, int]


@dataclass(frozen=True, slots=True)
class _Place:
    """A disk of an instance."""

    instance: Instance
    index: int
    disk: Disk

    def __str__(self) -> str:
        return f"disk/{self.index} of instance {self.instance.name}"


@dataclass(frozen=True, slots=True)
class RepairPlan:
    """What is to be recorded, and what is said in the job's log."""

    disks: tuple[Disk, ...]
    rows: tuple[Row, ...]
    lines: tuple[str, ...]


class LUClusterRepairDiskSizes(LogicalUnit[OpClusterRepairDiskSizes, RepairPlan, list[Row]]):
    """Ask the primary nodes, and record what is otherwise; no disk is changed."""

    def declare_locks(self, op: OpClusterRepairDiskSizes, view: ClusterView) -> LockRequest:
        """The instances, or all: nobody may change their disks meanwhile."""
        names = frozenset(view.instance(name).name for name in op.instances) or frozenset({ALL})
        return LockRequest(instances=names)

    async def check_prereq(
        self, op: OpClusterRepairDiskSizes, view: ClusterView, nodes: NodeReader
    ) -> RepairPlan:
        """Ask the nodes.

        Raises:
            OpPrereqError: there is no such instance.
        """
        instances = [view.instance(name) for name in op.instances] or view.all_instances()
        asked: dict[str, list[_Place]] = {}
        lines: list[str] = []
        for place in _places(view, instances):
            if _is_seen(place):
                asked.setdefault(place.instance.primary_node, []).append(place)
            else:
                lines.append(f"Warning: {place} is not active, its size cannot be seen")
        disks: list[Disk] = []
        rows: list[Row] = []
        calls = {uuid: _call(view, uuid, places) for uuid, places in asked.items()}
        for uuid, answer in (await nodes.call_each(calls)).items():
            if isinstance(answer, GenericError):
                text = f"Warning: node {view.node(uuid).name} cannot say how large its disks are"
                lines.append(f"{text}: {answer}")
                continue
            for place, found in zip(asked[uuid], answer, strict=True):
                if found is None:
                    lines.append(f"Warning: {place} is not there, its size stays as recorded")
                    continue
                size, spindles = found
                fixed = _fixed(place.disk, size // _MIB, spindles)
                if fixed != place.disk:
                    disks.append(fixed)
                    found_rows = list(_rows(place, fixed))
                    rows += found_rows
                    lines += (_line(place, row) for row in found_rows)
        return RepairPlan(tuple(disks), tuple(rows), tuple(lines))

    def outline(self, plan: RepairPlan, view: ClusterView) -> list[str]:
        """See :meth:`LogicalUnit.outline`."""
        return list(plan.lines)

    async def execute(self, run: Run, plan: RepairPlan) -> list[Row]:
        """Record them."""
        for line in plan.lines:
            run.log(line)
        if plan.disks:
            async with run.step("record sizes"):
                await run.config.commit(lambda _view: Change(puts=plan.disks))
        return list(plan.rows)


def _places(view: ClusterView, instances: Sequence[Instance]) -> Iterator[_Place]:
    """The disks that are on nodes which can be asked."""
    for instance in instances:
        if instance.forthcoming or view.node(instance.primary_node).offline:
            continue
        for index, disk in enumerate(view.disks_of(instance)):
            yield _Place(instance, index, disk)


def _is_seen(place: _Place) -> bool:
    """Whether its own size is seen: of a mirror that is not active there is only a volume, which
    may be larger, and external storage would have to be attached."""
    template = place.disk.dev_type
    hidden = template in INTERNALLY_MIRRORED or template is DiskTemplate.EXT
    return place.instance.disks_active or not hidden


def _call(view: ClusterView, uuid: str, places: Sequence[_Place]) -> BlockdevGetdimensionsCall:
    return BlockdevGetdimensionsCall(
        disks=tuple(disk_spec(place.disk, view, uuid) for place in places),
        spindles=bool(view.filled_ndparams(view.node(uuid)).exclusive_storage),
    )


def _fixed(disk: Disk, size: int, spindles: int | None) -> Disk:
    """``disk`` as it was found; the volume with a mirror's data is no smaller than the mirror."""
    children = disk.children
    if children:
        data = msgspec.structs.replace(children[0], size=max(children[0].size, size))
        children = (data, *children[1:])
    spindles = disk.spindles if spindles is None else spindles
    return msgspec.structs.replace(disk, size=size, spindles=spindles, children=children)


def _rows(place: _Place, fixed: Disk) -> Iterator[Row]:
    for field in ("size", "spindles"):
        value = getattr(fixed, field)
        if value != getattr(place.disk, field):
            yield place.instance.name, place.index, field, value


def _line(place: _Place, row: Row) -> str:
    _name, _index, field, value = row
    return f"{place}: {field} is {value}, {getattr(place.disk, field)} was recorded"
