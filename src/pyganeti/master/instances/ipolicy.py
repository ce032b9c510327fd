"""Checks an instance's size against the instance policy of its node group.

Source: gnt-cluster(8) INSTANCE POLICIES; ipolicy facts.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from pyganeti.master.instances.specs import has_spindles
from pyganeti.model.enums import DiskTemplate
from pyganeti.model.errors import ECode, OpPrereqError
from pyganeti.model.instance import Instance
from pyganeti.model.params.ipolicy import FilledIPolicy, MinMaxISpecs
from pyganeti.model.state_disks import seen
from pyganeti.model.view import ClusterView


class SizedDisk(Protocol):
    """What counts of a disk."""

    @property
    def name(self) -> str | None:
        """As its user calls it."""
        ...

    @property
    def size(self) -> int:
        """In MiB."""
        ...

    @property
    def spindles(self) -> int | None:
        """Physical volumes that it has for itself."""
        ...


@dataclass(frozen=True, slots=True)
class InstanceShape:
    """What a policy limits; sizes in MiB."""

    memory: int
    vcpus: int
    disks: tuple[int, ...]
    nics: int
    spindle_use: int
    template: DiskTemplate

    @classmethod
    def of(
        cls,
        instance: Instance,
        view: ClusterView,
        disks: Sequence[SizedDisk],
        template: DiskTemplate,
    ) -> "InstanceShape":
        """The shape of ``instance`` with these disks on its primary node.

        What firmware and TPM need is no wish of the user's, and does not count.
        """
        disks = seen(disks)
        be, node = view.filled_beparams(instance), view.node(instance.primary_node)
        use = be.spindle_use
        if has_spindles(template, node, view):
            # Spindles are counted there, and not estimated.
            use = sum(disk.spindles or 0 for disk in disks)
        sizes = tuple(disk.size for disk in disks)
        return cls(be.maxmem, be.vcpus, sizes, len(instance.nics), use, template)


def violations(shape: InstanceShape, policy: FilledIPolicy) -> list[str]:
    """What of ``shape`` the policy does not admit; empty when some min/max pair admits all."""
    problems = []
    if shape.template not in policy.disk_templates:
        allowed = ", ".join(policy.disk_templates)
        problems.append(f"disk template {shape.template} is not allowed (allowed: {allowed})")
    by_pair = [list(_outside(shape, pair)) for pair in policy.minmax]
    if by_pair and all(by_pair):
        problems += sorted(by_pair, key=len)[0]
    return problems


def _outside(shape: InstanceShape, pair: MinMaxISpecs) -> Iterator[str]:
    for name, value in _values(shape):
        low, high = getattr(pair.min, name), getattr(pair.max, name)
        if not low <= value <= high:
            label = name.replace("_", "-")
            yield f"{label} value {value} is not in range [{low}, {high}]"


def _values(shape: InstanceShape) -> Iterator[tuple[str, int]]:
    yield "memory_size", shape.memory
    yield "cpu_count", shape.vcpus
    yield "nic_count", shape.nics
    yield "spindle_use", shape.spindle_use
    if shape.template is not DiskTemplate.DISKLESS:
        yield "disk_count", len(shape.disks)
        for size in shape.disks:
            yield "disk_size", size


def check_policy(shape: InstanceShape, policy: FilledIPolicy, what: str) -> None:
    """Refuse what the policy does not admit.

    Raises:
        OpPrereqError: ``ECode.INVAL``; lists all violations.
    """
    problems = violations(shape, policy)
    if problems:
        text = f"{what} violates the instance policy: {', '.join(problems)}"
        raise OpPrereqError(text, ECode.INVAL)
