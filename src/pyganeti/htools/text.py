"""The text format (``.data`` files): five sections of ``|``-separated rows.

Read by ``-t``, written by ``--save`` and ``hscan``. Data flow: text -> :func:`parse_text` ->
:class:`~pyganeti.htools.model.Cluster` -> :func:`format_text` -> text. Rows may be short at their
end, the fifth section may be missing, and further columns or sections are passed over, as in
Ganeti. Source: htools(1), ``--text-data``.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from itertools import groupby
from typing import Final, TypeVar

from pyganeti.model.enums import AllocPolicy, DiskTemplate, InstanceStatus

from .errors import InputError
from .model import (
    DEFAULT_IPOLICY,
    Cluster,
    Disk,
    Group,
    Instance,
    IPolicy,
    ISpec,
    Node,
    SpecRange,
)
from .numerals import format_float, parse_float, parse_int

T = TypeVar("T")
E = TypeVar("E", bound=Enum)

_SECTIONS: Final = 4
_UNKNOWN: Final = "?"


@dataclass(frozen=True, slots=True)
class _Row:
    """A line, with what it needs to complain."""

    kind: str
    line: int
    cells: tuple[str, ...]

    def read(self, column: int, name: str, read: Callable[[str], T]) -> T:
        """Cell ``column`` (from 0) by way of ``read``, whose ValueError becomes ours."""
        try:
            return read(self.cells[column])
        except ValueError as err:
            raise self.error(column, f"{name}: {err}") from err

    def optional(self, column: int, name: str, read: Callable[[str], T], default: T) -> T:
        """As :meth:`read`; a row that ends before has the default."""
        return self.read(column, name, read) if column < len(self.cells) else default

    def error(self, column: int | None, text: str) -> InputError:
        where = f"line {self.line}" + ("" if column is None else f", column {column + 1}")
        return InputError(f"{where}: {self.kind} {self.cells[0]!r}: {text}")

    def check_width(self, least: int) -> None:
        if len(self.cells) < least:
            raise self.error(None, f"{len(self.cells)} columns where at least {least} are needed")


def parse_text(text: str) -> Cluster:
    """The cluster that ``text`` describes.

    Raises:
        InputError: with line and column, the row's name, what stands there and what should.
    """
    sections = _split(text)
    if len(sections) < _SECTIONS:
        raise InputError(
            f"line {text.count(chr(10)) + 1}: the file ends after {len(sections)} sections where "
            f"{_SECTIONS} or more are needed: groups, nodes, instances, tags and policies, each "
            "followed by an empty line"
        )
    policies = _section(sections[4:5], "policy")
    groups = [_group(row) for row in _section(sections[0:1], "group")]
    _refuse_doubles(_section(sections[0:1], "group"), 1)
    nodes = [
        _node(row, {group.uuid for group in groups}) for row in _section(sections[1:2], "node")
    ]
    _refuse_doubles(_section(sections[1:2], "node"))
    names = {node.name for node in nodes}
    instances = [_instance(row, names) for row in _section(sections[2:3], "instance")]
    _refuse_doubles(_section(sections[2:3], "instance"))
    cluster, by_owner = _policies(policies, {group.name for group in groups})
    return Cluster(
        # As in Ganeti, a group without a policy has the built-in one, not the cluster's.
        groups=tuple(replace(g, ipolicy=by_owner.get(g.name, DEFAULT_IPOLICY)) for g in groups),
        nodes=tuple(nodes),
        instances=tuple(instances),
        tags=tuple(line for _, line in sections[3]),
        ipolicy=cluster,
    )


def _split(text: str) -> list[list[tuple[int, str]]]:
    """The sections as numbered lines; an empty line ends one."""
    lines = text.split("\n")
    if lines and not lines[-1]:
        lines.pop()
    sections: list[list[tuple[int, str]]] = [[]] if lines else []
    for number, line in enumerate(lines, 1):
        if line:
            sections[-1].append((number, line))
        else:
            sections.append([])
    return sections


def _section(found: Sequence[Sequence[tuple[int, str]]], kind: str) -> list[_Row]:
    return [_Row(kind, number, tuple(line.split("|"))) for lines in found for number, line in lines]


def _refuse_doubles(rows: Iterable[_Row], column: int = 0) -> None:
    by_name = sorted(rows, key=lambda row: row.cells[column])
    for name, same in groupby(by_name, key=lambda row: row.cells[column]):
        first, *others = sorted(same, key=lambda row: row.line)
        for row in others:
            raise row.error(column, f"{name!r} stands already in line {first.line}")


def _group(row: _Row) -> Group:
    row.check_width(4)
    return Group(
        name=row.cells[0],
        uuid=row.cells[1],
        alloc_policy=row.read(2, "alloc_policy", _one_of(AllocPolicy)),
        tags=row.read(3, "tags", _list),
        networks=row.optional(4, "networks", _list, ()),
    )


def _node(row: _Row, groups: set[str]) -> Node:
    row.check_width(9)
    cells = row.cells
    if cells[8] not in groups:
        raise row.error(8, f"group: {cells[8]!r} is none of the groups' UUIDs")
    if _UNKNOWN in cells[1:7]:
        return Node(cells[0], cells[8], offline=True, spindles=0, node_cpus=0)
    return Node(
        name=cells[0],
        total_memory=row.read(1, "total_memory", parse_float),
        node_memory=row.read(2, "node_memory", parse_int),
        free_memory=row.read(3, "free_memory", parse_int),
        total_disk=row.read(4, "total_disk", parse_float),
        free_disk=row.read(5, "free_disk", parse_int),
        total_cpus=row.read(6, "total_cpus", parse_float),
        offline=cells[7] == "Y",
        master=cells[7] == "M",
        group=cells[8],
        spindles=row.optional(9, "spindles", parse_int, 1),
        tags=row.optional(10, "tags", _list, ()),
        exclusive_storage=row.optional(11, "exclusive_storage", _flag, False),
        free_spindles=row.optional(12, "free_spindles", parse_int, 0),
        node_cpus=row.optional(13, "node_cpus", parse_int, 1),
        cpu_speed=row.optional(14, "cpu_speed", parse_float, 1.0),
    )


def _instance(row: _Row, nodes: set[str]) -> Instance:
    row.check_width(10)
    cells = row.cells
    for column, name in ((6, "primary"), (7, "secondary")):
        if cells[column] not in nodes and (cells[column] or column == 6):
            raise row.error(column, f"{name}: {cells[column]!r} is none of the nodes")
    if cells[6] == cells[7]:
        raise row.error(7, f"secondary: {cells[7]!r} is the primary node, too")
    size = row.read(2, "disk", parse_int)
    return Instance(
        name=cells[0],
        memory=row.read(1, "memory", parse_int),
        disk=size,
        vcpus=row.read(3, "vcpus", parse_int),
        status=row.read(4, "status", _one_of(InstanceStatus)),
        auto_balance=row.read(5, "auto_balance", _flag),
        primary=cells[6],
        secondary=cells[7] or None,
        template=row.read(8, "disk_template", _one_of(DiskTemplate)),
        tags=row.read(9, "tags", _list),
        spindle_use=row.optional(10, "spindle_use", parse_int, 1),
        disks=(Disk(size, row.optional(11, "disk_spindles", _spindles, None)),),
        forthcoming=row.optional(12, "forthcoming", _flag, False),
    )


def _policies(rows: Iterable[_Row], groups: set[str]) -> tuple[IPolicy, dict[str, IPolicy]]:
    """The cluster's policy, and those of groups that have one of their own."""
    cluster, by_owner = DEFAULT_IPOLICY, dict[str, IPolicy]()
    for row in rows:
        row.check_width(6)
        policy = IPolicy(
            std=row.read(1, "standard spec", _spec),
            ranges=row.read(2, "spec ranges", _ranges),
            disk_templates=row.read(3, "disk_templates", _templates),
            vcpu_ratio=row.read(4, "vcpu_ratio", parse_float),
            spindle_ratio=row.read(5, "spindle_ratio", parse_float),
        )
        owner = row.cells[0]
        if not owner:
            cluster = policy
        elif owner in groups:
            by_owner[owner] = policy
        else:
            raise row.error(0, f"owner: {owner!r} is none of the groups' names")
    return cluster, by_owner


def _list(text: str) -> tuple[str, ...]:
    return tuple(text.split(",")) if text else ()


def _flag(text: str) -> bool:
    if text not in ("Y", "N"):
        raise ValueError(f"{text!r} is neither Y nor N")
    return text == "Y"


def _one_of(kind: type[E]) -> Callable[[str], E]:
    def read(text: str) -> E:
        try:
            return kind(text)
        except ValueError as err:
            raise ValueError(f"{text!r} is none of {', '.join(k.value for k in kind)}") from err

    return read


def _spindles(text: str) -> int | None:
    return None if text == "-" else parse_int(text)


def _spec(text: str) -> ISpec:
    cells = text.split(",")
    if len(cells) != 6:
        raise ValueError(f"{text!r} has {len(cells)} numbers where 6 are needed")
    return ISpec(*map(parse_int, cells))


def _ranges(text: str) -> tuple[SpecRange, ...]:
    specs = [_spec(part) for part in text.split(";")] if text else []
    if len(specs) % 2:
        raise ValueError(f"{len(specs)} specs where pairs of minimum and maximum are needed")
    return tuple(map(SpecRange, specs[::2], specs[1::2]))


def _templates(text: str) -> tuple[DiskTemplate, ...]:
    return tuple(map(_one_of(DiskTemplate), _list(text)))


def format_text(cluster: Cluster) -> str:
    """``cluster`` as Ganeti writes it; :func:`parse_text` gives the same cluster again."""
    owners = [("", cluster.ipolicy)] + [(group.name, group.ipolicy) for group in cluster.groups]
    sections = (
        map(_group_row, cluster.groups),
        map(_node_row, cluster.nodes),
        map(_instance_row, cluster.instances),
        cluster.tags,
        (_policy_row(owner, policy) for owner, policy in owners),
    )
    return "\n".join("".join(f"{line}\n" for line in lines) for lines in sections)


def _row(*cells: object) -> str:
    return "|".join(map(str, cells))


def _yes(value: bool) -> str:
    return "Y" if value else "N"


def _group_row(group: Group) -> str:
    lists = ",".join(group.tags), ",".join(group.networks)
    return _row(group.name, group.uuid, group.alloc_policy.value, *lists)


def _node_row(node: Node) -> str:
    role = "Y" if node.offline else "M" if node.master else "N"
    return _row(
        node.name, int(node.total_memory), node.node_memory, node.free_memory,
        int(node.total_disk), node.free_disk, int(node.total_cpus), role, node.group,
        node.spindles, ",".join(node.tags), _yes(node.exclusive_storage), node.free_spindles,
        node.node_cpus, format_float(node.cpu_speed),
    )  # fmt: skip


def _instance_row(instance: Instance) -> str:
    spindles = [disk.spindles for disk in instance.disks]
    known = [number for number in spindles if number is not None]
    return _row(
        instance.name, instance.memory, instance.disk, instance.vcpus, instance.status.value,
        _yes(instance.auto_balance), instance.primary, instance.secondary or "",
        instance.template.value, ",".join(instance.tags), instance.spindle_use,
        sum(known) if len(known) == len(spindles) else "-", _yes(instance.forthcoming),
    )  # fmt: skip


def _policy_row(owner: str, policy: IPolicy) -> str:
    ranges = ";".join(f"{_spec_cells(r.min)};{_spec_cells(r.max)}" for r in policy.ranges)
    templates = ",".join(template.value for template in policy.disk_templates)
    ratios = format_float(policy.vcpu_ratio), format_float(policy.spindle_ratio)
    return _row(owner, _spec_cells(policy.std), ranges, templates, *ratios)


def _spec_cells(spec: ISpec) -> str:
    return (
        f"{spec.memory},{spec.cpus},{spec.disk_size},{spec.disk_count},{spec.nics},{spec.spindles}"
    )
