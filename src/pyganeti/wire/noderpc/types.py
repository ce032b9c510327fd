"""Values that travel in node calls: what an instance looks like to a node.

Filled in by the master (all inheritance done), so that a node needs no configuration. Sizes are
MiB. Source: config_schema.json (Instance, Nic, Disk, Network), nicparams.json.
"""

from enum import IntEnum, StrEnum
from typing import Any

import msgspec

# Any: filled parameter values are strings, numbers, booleans or null, checked by the master's
# model.
Params = dict[str, Any]


class Struct(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of all values here."""


class NetworkSpec(Struct, frozen=True, kw_only=True):
    """The network a NIC is connected to."""

    name: str
    uuid: str
    network: str
    gateway: str | None = None
    network6: str | None = None
    gateway6: str | None = None
    mac_prefix: str | None = None
    tags: tuple[str, ...] = ()


class NicSpec(Struct, frozen=True, kw_only=True):
    """A NIC with its parameters filled in.

    ``mode`` is ``bridged``, ``routed`` or ``openvswitch``; ``link`` a bridge or a routing table.
    """

    mac: str
    ip: str | None = None
    mode: str = "bridged"
    link: str = ""
    vlan: str = ""
    name: str | None = None
    uuid: str = ""
    network: NetworkSpec | None = None


class DrbdEnd(Struct, frozen=True, kw_only=True):
    """One of the two nodes of a DRBD device: its UUID, replication address and minor."""

    node: str
    ip: str
    minor: int


class DrbdSpec(Struct, frozen=True, kw_only=True):
    """A DRBD device as one of its nodes has it.

    Attributes:
        local: the node that is told.
        remote: its peer.
        port: TCP port of both.
        secret: known to both; reaches no log, no journal and no answer.
    """

    local: DrbdEnd
    remote: DrbdEnd
    port: int
    secret: str = ""


class DiskSpec(Struct, frozen=True, kw_only=True):
    """A disk, the way it lies on the node that is called.

    Attributes:
        dev_type: the disk template (``file``, ``sharedfile``, ...).
        logical_id: its place, in the shape that ``dev_type`` selects (``[driver, path]``).
        size: MiB.
        mode: ``rw`` or ``ro``.
        iv_name: ``disk/0``.
        params: filled disk parameters.
        nodes: UUIDs of the nodes it lies on.
        children: volumes below it.
        drbd: of a DRBD disk; its ``logical_id`` says nothing then.
    """

    dev_type: str
    logical_id: tuple[Any, ...]  # Any: strings and numbers, by template
    size: int
    mode: str = "rw"
    iv_name: str = ""
    uuid: str = ""
    name: str | None = None
    spindles: int | None = None
    params: Params = msgspec.field(default_factory=dict)
    nodes: tuple[str, ...] = ()
    children: tuple["DiskSpec", ...] = ()
    drbd: DrbdSpec | None = None


class InstanceSpec(Struct, frozen=True, kw_only=True):
    """An instance, complete: what a node needs to install, start and describe it.

    Attributes:
        os: ``name`` or ``name+variant``; empty for none.
        hvparams: all parameters of ``hypervisor``, filled.
        beparams: all backend parameters, filled; ``maxmem`` and ``minmem`` in MiB.
        osparams: filled public OS parameters.
        osparams_private: private and secret OS parameters; they reach the OS scripts and no log.
        network_port: port of the graphical console.
        admin_state: ``up``, ``down`` or ``offline``.
    """

    name: str
    uuid: str
    primary_node: str
    hypervisor: str
    primary_node_name: str = ""
    secondary_nodes: tuple[str, ...] = ()
    os: str = ""
    hvparams: Params = msgspec.field(default_factory=dict)
    beparams: Params = msgspec.field(default_factory=dict)
    osparams: Params = msgspec.field(default_factory=dict)
    osparams_private: Params = msgspec.field(default_factory=dict)
    nics: tuple[NicSpec, ...] = ()
    disks: tuple[DiskSpec, ...] = ()
    disk_template: str = "diskless"
    network_port: int | None = None
    tags: tuple[str, ...] = ()
    admin_state: str = "down"
    serial_no: int = 1
    ctime: float = 0.0
    mtime: float = 0.0


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


class StorageUnit(Struct, frozen=True, kw_only=True):
    """A place disks lie in: ``file`` with its directory, ``lvm-vg`` with its name, ..."""

    type: str
    name: str


class StorageInfo(Struct, frozen=True, kw_only=True):
    """Space of a storage unit in MiB; ``None`` where the unit cannot tell."""

    type: str
    name: str
    storage_free: int | None = None
    storage_size: int | None = None


class NodeInfo(Struct, frozen=True, kw_only=True):
    """Answer to ``node_info``; an unusable hypervisor is in ``errors`` instead."""

    boot_id: str
    storage: tuple[StorageInfo, ...] = ()
    hypervisors: dict[str, HypervisorInfo] = msgspec.field(default_factory=dict)
    errors: dict[str, str] = msgspec.field(default_factory=dict)


class VersionInfo(Struct, frozen=True, kw_only=True):
    """Answer to ``version``: protocol, Ganeti release, our own version, the node's epoch."""

    protocol: int
    release: str
    vcs: str
    epoch: int


class MasterVote(Struct, frozen=True, kw_only=True):
    """Who a node believes is the master (or empty), and the highest epoch it has stored."""

    master: str
    epoch: int


class BlockDevice(Struct, frozen=True, kw_only=True):
    """An assembled or found block device; size in bytes."""

    path: str
    size: int
    link: str = ""
    uri: str = ""


class LocalDisk(IntEnum):
    """How good a node's part of a mirrored disk is; the numbers are what clients read."""

    OKAY = 1
    SYNC = 2
    UNKNOWN = 3
    FAULTY = 4


class MirrorStatus(Struct, frozen=True, kw_only=True):
    """A mirrored disk as one of its nodes sees it; sizes in bytes.

    Attributes:
        primary: the node may write.
        connected: what it writes reaches the peer.
        standalone: it has no connection and looks for none.
        sync_percent: how much is the same on both; ``None`` when it does not sync.
        estimated_s: until it is in sync, if that can be told.
        degraded: the loss of one node would now lose something.
    """

    path: str
    minor: int
    size: int
    primary: bool
    connected: bool
    standalone: bool
    syncing: bool
    sync_percent: float | None
    out_of_sync: int
    estimated_s: int | None
    degraded: bool
    local_disk: LocalDisk


class Volume(Struct, frozen=True, kw_only=True):
    """A logical volume found on a node; size in MiB.

    Attributes:
        active: its device is there.
        in_use: somebody has the device open.
        faulty: virtual, or with a physical volume missing.
    """

    group: str
    name: str
    size: int
    active: bool
    in_use: bool
    faulty: bool


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


class OsParameter(Struct, frozen=True, kw_only=True):
    """A parameter that an OS definition declares."""

    name: str
    doc: str = ""


class OsInfo(Struct, frozen=True, kw_only=True):
    """An OS definition found on a node.

    Attributes:
        valid: whether it can be used; ``status`` says why not.
        variants: in file order; empty for one without variants.
        trusted: whether it has a ``create`` script (else ``create_untrusted`` only).
    """

    name: str
    path: str
    valid: bool
    status: str
    variants: tuple[str, ...] = ()
    parameters: tuple[OsParameter, ...] = ()
    api_versions: tuple[int, ...] = ()
    trusted: bool = True


class ProviderInfo(Struct, frozen=True, kw_only=True):
    """An external storage provider found on a node.

    Attributes:
        valid: whether it can be used; ``status`` says why not.
        parameters: in file order.
    """

    name: str
    path: str
    valid: bool
    status: str
    parameters: tuple[OsParameter, ...] = ()


class HookOutcome(StrEnum):
    """How a hook script ended."""

    SKIP = "skip"
    FAIL = "fail"
    SUCCESS = "success"


class HookResult(Struct, frozen=True, kw_only=True):
    """One script's run; ``script`` is ``instance-start-pre.d/10-check``."""

    script: str
    outcome: HookOutcome
    output: str


class FileInfo(Struct, frozen=True, kw_only=True):
    """What ``get_file_info`` says: existence, size in bytes, mode bits, owner and group ids."""

    exists: bool
    size: int = 0
    mode: int = 0
    uid: int = 0
    gid: int = 0
    mtime: float = 0.0
    is_regular: bool = False


class DrbdInfo(Struct, frozen=True, kw_only=True):
    """What a node's DRBD is; ``error`` says why it is not there."""

    version: str = ""
    helper: str = ""
    minors: tuple[int, ...] = ()
    error: str = ""


class NodeVerifyResult(Struct, frozen=True, kw_only=True):
    """Answer to ``node_verify``; a field is empty when its check was not asked for.

    Attributes:
        time: the node's clock.
        hypervisor_errors: hypervisor to what is wrong with it; usable ones are absent.
        hvparam_errors: ``[source, hypervisor, text]`` of parameters unusable here.
        instances: hypervisor to the names of its guests, or absent when it could not be asked.
        checksums: path to SHA-1 of its content; missing files are absent.
        missing_bridges: bridges that do not exist.
        forbidden_file_storage_paths: whitelist entries that must not be used.
        allowed_file_storage_paths: the whitelist.
        unusable_storage_dirs: directory to what is wrong with it.
        unreachable: ``name`` to why its daemon's address did not answer.
        missing_scripts: user scripts that are missing or not executable.
        oses: all OS definitions.
        client_cert_digest: digest of the node's client certificate; empty when it has none.
        client_cert_uuid: UUID that certificate was issued for.
        setup_errors: what is wrong with directories and files of the node.
        volume_group_error: what is wrong with the volume group.
        volumes: its volumes.
        drbd: what its DRBD is.
    """

    time: float
    version: VersionInfo
    hypervisor_errors: dict[str, str] = msgspec.field(default_factory=dict)
    hvparam_errors: tuple[tuple[str, str, str], ...] = ()
    instances: dict[str, tuple[str, ...]] = msgspec.field(default_factory=dict)
    info: NodeInfo | None = None
    checksums: dict[str, str] = msgspec.field(default_factory=dict)
    missing_bridges: tuple[str, ...] = ()
    forbidden_file_storage_paths: tuple[str, ...] = ()
    allowed_file_storage_paths: tuple[str, ...] = ()
    unusable_storage_dirs: dict[str, str] = msgspec.field(default_factory=dict)
    unreachable: dict[str, str] = msgspec.field(default_factory=dict)
    missing_scripts: tuple[str, ...] = ()
    oses: tuple[OsInfo, ...] = ()
    client_cert_digest: str = ""
    client_cert_uuid: str = ""
    setup_errors: tuple[str, ...] = ()
    volume_group_error: str = ""
    volumes: tuple[Volume, ...] = ()
    drbd: DrbdInfo | None = None


class TaskState(StrEnum):
    """State of a node's task."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    LOST = "lost"  # not known here: the daemon restarted, or forgot


class TaskProgress(Struct, frozen=True):
    """How much of measurable work is done: ``done`` of ``total``, both in MiB."""

    done: int
    total: int


class TaskReport(Struct, frozen=True, kw_only=True):
    """Answer to ``task_wait``: state, last progress, result as JSON, error as ``to_wire``."""

    state: TaskState
    progress: TaskProgress | None = None
    result: msgspec.Raw = msgspec.Raw(b"null")
    error: list[Any] | None = None  # Any: an error's arguments


class StoreState(Struct, frozen=True, kw_only=True):
    """Where a candidate's copy of the database stands."""

    seq: int
    epoch: int
