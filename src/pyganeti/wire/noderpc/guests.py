"""What nodes say about hypervisors and guests."""

from enum import StrEnum

from .struct import Struct


class GuestState(StrEnum):
    """What a hypervisor says of a guest."""

    RUNNING = "running"
    PAUSED = "paused"
    SHUTDOWN = "shutdown"  # ended by its own will, process still there


class GuestInfo(Struct, frozen=True, kw_only=True):
    """A guest that a hypervisor knows: memory in MiB, CPU time in seconds."""

    name: str
    memory: int
    vcpus: int
    state: GuestState
    cputime: float
    hypervisor: str = ""


class GuestRole(StrEnum):
    """What the copy of a guest on a node is, while it may move.

    Of all copies of a guest only one is ``RUNNING`` or ``OUTGOING``.
    """

    ABSENT = "absent"
    RUNNING = "running"  # or paused: this copy is the guest
    OUTGOING = "outgoing"  # the same, and its state is being sent
    SENT = "sent"  # its state was sent: it must not run again while another copy may
    INCOMING = "incoming"  # waits for its state
    LOST = "lost"  # waited for its state and has ended; it is known that it never ran


class HostTraits(Struct, frozen=True, kw_only=True):
    """What the guests of a hypervisor find on a node.

    Attributes:
        version: of the hypervisor; empty where none counts.
        machines: machine types that it has.
        accelerator: ``kvm`` or ``tcg``; empty where there is no choice.
        cpu_vendor: as the kernel names it.
        cpu_flags: sorted.
    """

    version: str = ""
    machines: tuple[str, ...] = ()
    accelerator: str = ""
    cpu_vendor: str = ""
    cpu_flags: tuple[str, ...] = ()


class MigrationInfo(Struct, frozen=True, kw_only=True):
    """A guest that may be migrated, as its node describes it.

    Attributes:
        guest: what it was started with, in the hypervisor's own form.
        running: false for one that is paused.
        machine: its machine type; empty where there is no choice. So the next two.
        cpu: its CPU model.
        accelerator: what executes it.
    """

    guest: str
    running: bool = True
    machine: str = ""
    cpu: str = ""
    accelerator: str = ""


class HypervisorInfo(Struct, frozen=True, kw_only=True):
    """What a hypervisor says of its node: memory in MiB."""

    memory_total: int
    memory_free: int
    memory_dom0: int
    cpu_total: int
    cpu_nodes: int = 1
    cpu_sockets: int = 1
    cpu_dom0: int = 1
    hv_version: str = ""


class ConsoleInfo(Struct, frozen=True, kw_only=True):
    """How to reach an instance's console; fields as Ganeti's console object.

    ``kind`` is ``ssh`` (run ``command`` on ``host`` as ``user``), ``vnc``, ``spice`` or ``msg``.
    """

    instance: str
    kind: str
    message: str | None = None
    host: str | None = None
    port: int | None = None
    user: str | None = None
    command: tuple[str, ...] | None = None
    display: str | None = None
