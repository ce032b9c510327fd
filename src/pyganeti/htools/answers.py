"""A cluster from what the master daemon or the REST daemon says of it.

    LUXI Query       -> fields with a status -> \
                                                 read_answers -> Cluster, its default hypervisor
    REST bulk lists  -> objects -> fields ------> /

Source: htools(1), ``-L`` and ``-m``; what is done with a missing value is Ganeti's.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any, Final, TypeVar

from pyganeti.model.enums import AllocPolicy, DiskTemplate, FieldStatus, InstanceStatus

from .errors import InputError
from .model import Cluster, Disk, Group, Instance, IPolicy, ISpec, Node, SpecRange

T = TypeVar("T")
E = TypeVar("E", bound=Enum)
# Any, here and below: JSON.
Field = tuple[int, Any]
"""Status and value, as queries answer."""

GROUP_FIELDS: Final = ("uuid", "name", "alloc_policy", "ipolicy", "tags")
NODE_FIELDS: Final = (
    "name", "mtotal", "mnode", "mfree", "dtotal", "dfree", "ctotal", "cnos", "offline", "drained",
    "vm_capable", "ndp/spindle_count", "group.uuid", "tags", "ndp/exclusive_storage", "sptotal",
    "spfree", "ndp/cpu_speed",
)  # fmt: skip
INSTANCE_FIELDS: Final = (
    "name", "disk_usage", "be/memory", "be/vcpus", "status", "pnode", "snodes", "tags",
    "be/auto_balance", "disk_template", "be/spindle_use", "disk.sizes", "disk.spindles",
    "forthcoming",
)  # fmt: skip
KVM: Final = "kvm"
_MOST: Final = 1 << 53
_WHY: Final = {
    FieldStatus.UNKNOWN: "Unknown field",
    FieldStatus.NODATA: "No data for a field",
    FieldStatus.UNAVAIL: "Ganeti reports unavailable data",
    FieldStatus.OFFLINE: "Ganeti reports resource as offline",
}


@dataclass(frozen=True, slots=True)
class Answers:
    """What was answered: a mapping an object from field to status and value, and the information
    about the cluster."""

    groups: Sequence[Mapping[str, Field]]
    nodes: Sequence[Mapping[str, Field]]
    instances: Sequence[Mapping[str, Field]]
    info: Any


@dataclass(frozen=True, slots=True)
class _Object:
    """An object that was answered, with what it needs to complain."""

    kind: str
    name: str
    fields: Mapping[str, Field]

    def read(self, field: str, read: Callable[[Any], T]) -> T:
        """A field by way of ``read``, whose ValueError becomes ours."""
        status, value = self.fields.get(field, (FieldStatus.NODATA, None))
        try:
            if status != FieldStatus.NORMAL:
                raise ValueError(_WHY.get(FieldStatus(status), "no value"))
            return read(value)
        except ValueError as err:
            who = f"{self.kind} {self.name!r}" if self.name else self.kind
            where = f"{who}, error while reading attribute {field!r}"
            raise InputError(f"{where}: {err}") from err

    def known(self, field: str, read: Callable[[Any], T], default: T) -> T:
        """As :meth:`read`; without a value it is the default."""
        status, value = self.fields.get(field, (FieldStatus.NODATA, None))
        if status != FieldStatus.NORMAL or value is None:
            return default
        return self.read(field, read)


def read_answers(answers: Answers) -> tuple[Cluster, str]:
    """The cluster, and its default hypervisor (empty where that was not said).

    Raises:
        InputError: with the object's name and the field, or what does not exist.
    """
    groups = [_group(one) for one in _objects("Group", answers.groups)]
    info = _info(answers.info)
    master = info.read("master", _text)
    uuids = {group.uuid for group in groups}
    nodes = [_node(one, uuids, master) for one in _objects("Node", answers.nodes)]
    names = {node.name for node in nodes}
    if master not in names:
        raise InputError(f"Master node {master} unknown")
    instances = [_instance(one, names) for one in _objects("Instance", answers.instances)]
    cluster = Cluster(
        groups=tuple(groups),
        nodes=tuple(nodes),
        instances=tuple(instances),
        tags=info.read("tags", _texts),
        ipolicy=info.read("ipolicy", _policy),
    )
    return cluster, info.known("default_hypervisor", _text, "")


def with_static_memory(cluster: Cluster, hypervisor: str, memory: int) -> Cluster:
    """``cluster`` with ``memory`` (MiB; 0: as reported) as what a node itself uses under KVM.

    Guests are processes there, so what a node reports of itself changes with them.
    """
    if hypervisor != KVM or memory == 0:
        return cluster
    nodes = (
        node if _is_blank(node) else replace(node, node_memory=memory) for node in cluster.nodes
    )
    return replace(cluster, nodes=tuple(nodes))


def _is_blank(node: Node) -> bool:
    return node.offline and node.total_memory == 0


def flat(item: Mapping[str, Any], parts: Mapping[str, str]) -> dict[str, Field]:
    """An object of a bulk list as fields; ``parts`` are its parameters, and their prefixes.

    What is missing or ``null`` counts as not answered.
    """
    found = dict(item)
    for part, prefix in parts.items():
        inner = found.pop(part, None)
        if isinstance(inner, Mapping):
            found |= {f"{prefix}{key}": value for key, value in inner.items()}
    return {
        key: (FieldStatus.NODATA if value is None else FieldStatus.NORMAL, value)
        for key, value in found.items()
    }


def _objects(kind: str, rows: Iterable[Mapping[str, Field]]) -> list[_Object]:
    made = [_Object(kind, _Object(kind, "", row).read("name", _text), row) for row in rows]
    for name, count in Counter(one.name for one in made).items():
        if count > 1:
            raise InputError(f"{kind} {name!r} was answered {count} times")
    return made


def _info(given: Any) -> _Object:
    try:
        return _Object("Cluster", "", flat(_dict(given), {}))
    except ValueError as err:
        raise InputError(f"the information about the cluster: {err}") from err


def _group(one: _Object) -> Group:
    return Group(
        name=one.name,
        uuid=one.read("uuid", _text),
        alloc_policy=one.read("alloc_policy", _one_of(AllocPolicy)),
        tags=one.read("tags", _texts),
        ipolicy=one.read("ipolicy", _policy),
    )


def _node(one: _Object, groups: set[str], master: str) -> Node:
    group = one.read("group.uuid", _text)
    if group not in groups:
        raise InputError(f"Unknown group {group!r} for node {one.name}")
    exclusive = one.read("ndp/exclusive_storage", _flag)
    node = Node(
        name=one.name,
        group=group,
        offline=True,
        spindles=0 if exclusive else one.read("ndp/spindle_count", _whole),
        tags=one.read("tags", _texts),
        exclusive_storage=exclusive,
        node_cpus=0,
        cpu_speed=one.read("ndp/cpu_speed", _number),
    )
    if one.read("offline", _flag) or not one.known("vm_capable", _flag, default=True):
        return node
    drained = one.read("drained", _flag)
    return replace(
        node,
        total_memory=one.read("mtotal", _number),
        node_memory=one.read("mnode", _whole),
        free_memory=one.read("mfree", _whole),
        # A node without a volume group has none.
        total_disk=one.known("dtotal", _number, 0.0),
        free_disk=one.known("dfree", _whole, 0),
        total_cpus=one.read("ctotal", _number),
        node_cpus=one.read("cnos", _whole),
        offline=drained,
        master=one.name == master and not drained,
        spindles=one.read("sptotal", _whole) if exclusive else node.spindles,
        free_spindles=one.read("spfree", _whole) if exclusive else one.known("spfree", _whole, 0),
    )


def _instance(one: _Object, nodes: set[str]) -> Instance:
    primary = one.read("pnode", _text)
    secondary = next(iter(one.read("snodes", _texts)), None)
    for node in (primary, secondary):
        if node is not None and node not in nodes:
            raise InputError(f"Unknown node {node!r} for instance {one.name}")
    if primary == secondary:
        raise InputError(f"Instance {one.name}: {primary!r} is both of its nodes")
    sizes, spindles = one.read("disk.sizes", _list), one.read("disk.spindles", _list)
    return Instance(
        name=one.name,
        memory=one.known("oper_ram", _whole, 0) or one.read("be/memory", _whole),
        disk=one.read("disk_usage", _whole),
        vcpus=one.read("be/vcpus", _whole),
        status=one.read("status", _one_of(InstanceStatus)),
        primary=primary,
        secondary=secondary,
        template=one.read("disk_template", _one_of(DiskTemplate)),
        auto_balance=one.read("be/auto_balance", _flag),
        tags=one.read("tags", _texts),
        spindle_use=one.read("be/spindle_use", _whole),
        disks=one.read("disk.sizes", lambda _: _disks(sizes, spindles)),
        forthcoming=one.known("forthcoming", _flag, default=False),
    )


def _disks(sizes: Sequence[Any], spindles: Sequence[Any]) -> tuple[Disk, ...]:
    pairs = zip(sizes, spindles, strict=False)
    return tuple(Disk(_whole(size), None if of is None else _whole(of)) for size, of in pairs)


def _policy(value: Any) -> IPolicy:
    found = _dict(value)
    try:
        ranges = tuple(
            SpecRange(_spec(one["min"]), _spec(one["max"])) for one in _list(found["minmax"])
        )
        return IPolicy(
            std=_spec(found["std"]),
            ranges=ranges,
            disk_templates=tuple(map(_one_of(DiskTemplate), _list(found["disk-templates"]))),
            vcpu_ratio=_number(found["vcpu-ratio"]),
            spindle_ratio=_number(found["spindle-ratio"]),
        )
    except KeyError as err:
        raise ValueError(f"key {err} not found, object contains only {sorted(found)}") from err
    except TypeError as err:
        raise ValueError("its minmax is no list of minimum and maximum") from err


def _spec(value: Any) -> ISpec:
    found = _dict(value)
    return ISpec(
        memory=_whole(found["memory-size"]),
        cpus=_whole(found["cpu-count"]),
        disk_size=_whole(found["disk-size"]),
        disk_count=_whole(found["disk-count"]),
        nics=_whole(found["nic-count"]),
        spindles=_whole(found["spindle-use"]),
    )


def _dict(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"{value!r:.60} is no object")
    return value


def _list(value: Any) -> Sequence[Any]:
    if not isinstance(value, list | tuple):
        raise ValueError(f"{value!r:.60} is no list")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError(f"{value!r:.60} is no text")
    return value


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(map(_text, _list(value)))


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"{value!r:.60} is neither true nor false")
    return value


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{value!r:.60} is no number")
    if not abs(value) <= _MOST:
        raise ValueError(f"{value!r:.60} is out of range")
    return float(value)


def _whole(value: Any) -> int:
    """A whole number; the fraction of another is dropped, as Ganeti does."""
    return int(_number(value))


def _one_of(kind: type[E]) -> Callable[[Any], E]:
    def read(value: Any) -> E:
        try:
            return kind(value)
        except ValueError as err:
            names = ", ".join(str(one.value) for one in kind)
            raise ValueError(f"{value!r:.60} is none of {names}") from err

    return read
