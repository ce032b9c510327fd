"""Closed sets of words that the configuration, opcodes and answers use.

A value that stands in none of them is refused where it enters: the configuration at load, an opcode
at submission. Source: the constants of Ganeti 3.1.
"""

from enum import IntEnum, StrEnum


class AdminState(StrEnum):
    """What the administrator wants of an instance."""

    UP = "up"
    DOWN = "down"
    OFFLINE = "offline"


class AdminStateSource(StrEnum):
    """Who set the administrative state last: an operator, or the guest by shutting itself down."""

    ADMIN = "admin"
    USER = "user"


class DiskTemplate(StrEnum):
    """How an instance's disks are stored."""

    BLOCKDEV = "blockdev"
    DISKLESS = "diskless"
    DRBD = "drbd"
    EXT = "ext"
    FILE = "file"
    GLUSTER = "gluster"
    PLAIN = "plain"
    RBD = "rbd"
    SHAREDFILE = "sharedfile"


MIXED_TEMPLATES = "mixed"
"""Shown as disk template of an instance whose disks are of several; never stored."""


class DiskMode(StrEnum):
    """What the guest may do with a disk."""

    RO = "ro"
    RW = "rw"


class DiskAccess(StrEnum):
    """Whether QEMU opens a network disk itself or gets a block device of the node."""

    KERNELSPACE = "kernelspace"
    USERSPACE = "userspace"


class FileDriver(StrEnum):
    """How a file is shown to the guest as a disk."""

    BLKTAP = "blktap"
    BLKTAP2 = "blktap2"
    LOOP = "loop"


class StorageType(StrEnum):
    """Kinds of storage a node may have."""

    BLOCKDEV = "blockdev"
    DISKLESS = "diskless"
    EXT = "ext"
    FILE = "file"
    GLUSTER = "gluster"
    LVM_PV = "lvm-pv"
    LVM_VG = "lvm-vg"
    RADOS = "rados"
    SHAREDFILE = "sharedfile"


class Hypervisor(StrEnum):
    """What runs a guest."""

    CHROOT = "chroot"
    FAKE = "fake"
    KVM = "kvm"
    LXC = "lxc"
    XEN_HVM = "xen-hvm"
    XEN_PVM = "xen-pvm"


class NicMode(StrEnum):
    """How a network interface is connected to its node."""

    BRIDGED = "bridged"
    OPENVSWITCH = "openvswitch"
    ROUTED = "routed"


POOL_MODE = "pool"
"""In a request only: take mode and link from the network's connection to the node group."""


class AllocPolicy(StrEnum):
    """Whether an allocator may use a node group."""

    PREFERRED = "preferred"
    LAST_RESORT = "last_resort"
    UNALLOCABLE = "unallocable"


class NodeRole(StrEnum):
    """A node's role as lists show it; the first that applies, in this order."""

    MASTER = "M"
    CANDIDATE = "C"
    DRAINED = "D"
    OFFLINE = "O"
    REGULAR = "R"


class InstanceStatus(StrEnum):
    """What the administrator wants compared with what the nodes see."""

    RUNNING = "running"
    ADMIN_DOWN = "ADMIN_down"
    ADMIN_OFFLINE = "ADMIN_offline"
    USER_DOWN = "USER_down"
    ERROR_DOWN = "ERROR_down"
    ERROR_UP = "ERROR_up"
    ERROR_NODEDOWN = "ERROR_nodedown"
    ERROR_NODEOFFLINE = "ERROR_nodeoffline"
    ERROR_WRONGNODE = "ERROR_wrongnode"


class FieldStatus(IntEnum):
    """Whether a queried field of an object has a value, and why not."""

    NORMAL = 0
    UNKNOWN = 1
    NODATA = 2
    UNAVAIL = 3
    OFFLINE = 4


class JobStatus(StrEnum):
    """State of a job or of one of its opcodes."""

    QUEUED = "queued"
    WAITING = "waiting"
    CANCELING = "canceling"
    RUNNING = "running"
    CANCELED = "canceled"
    SUCCESS = "success"
    ERROR = "error"


FINALIZED = frozenset({JobStatus.CANCELED, JobStatus.SUCCESS, JobStatus.ERROR})
"""A job in one of these states changes no more."""


class LogType(StrEnum):
    """Kinds of entries in a job's log."""

    MESSAGE = "message"
    MESSAGE_LIST = "message-list"
    REMOTE_IMPORT = "remote-import"
    JQUEUE_TEST = "jqueue-test"
    DELAY_TEST = "delay-test"


class SshKeyType(StrEnum):
    """Algorithms of the nodes' ssh keys."""

    DSA = "dsa"
    ECDSA = "ecdsa"
    RSA = "rsa"


class TagKind(StrEnum):
    """What can carry tags."""

    CLUSTER = "cluster"
    INSTANCE = "instance"
    NETWORK = "network"
    NODE = "node"
    NODEGROUP = "nodegroup"


class EvacMode(StrEnum):
    """Which instances leave a node."""

    ALL = "all"
    PRIMARY = "primary-only"
    SECONDARY = "secondary-only"


class ExportMode(StrEnum):
    """Where an instance is exported to."""

    LOCAL = "local"
    REMOTE = "remote"


class InstanceCreateMode(StrEnum):
    """Where the contents of a new instance come from."""

    CREATE = "create"
    IMPORT = "import"
    REMOTE_IMPORT = "remote-import"


class RebootType(StrEnum):
    """How an instance is rebooted."""

    FULL = "full"
    HARD = "hard"
    SOFT = "soft"


class MigrationMode(StrEnum):
    """Whether the guest goes on while it is migrated."""

    LIVE = "live"
    NON_LIVE = "non-live"


class ReplaceDisksMode(StrEnum):
    """Which mirror side is replaced."""

    AUTO = "replace_auto"
    NEW_SECONDARY = "replace_new_secondary"
    ON_PRIMARY = "replace_on_primary"
    ON_SECONDARY = "replace_on_secondary"


class OobCommand(StrEnum):
    """What can be asked of an out-of-band program."""

    HEALTH = "health"
    POWER_CYCLE = "power-cycle"
    POWER_OFF = "power-off"
    POWER_ON = "power-on"
    POWER_STATUS = "power-status"


class AllocatorMode(StrEnum):
    """Requests of the allocator protocol."""

    ALLOCATE = "allocate"
    ALLOCATE_SECONDARY = "allocate-secondary"
    CHANGE_GROUP = "change-group"
    MULTI_ALLOCATE = "multi-allocate"
    NODE_EVACUATE = "node-evacuate"
    RELOCATE = "relocate"


class AllocatorDirection(StrEnum):
    """Whether an allocator test shows the input or runs it."""

    IN = "in"
    OUT = "out"


class ListChange(StrEnum):
    """What is done to one member of a list of devices or names."""

    ADD = "add"
    ATTACH = "attach"
    DETACH = "detach"
    MODIFY = "modify"
    REMOVE = "remove"


class QueryResource(StrEnum):
    """What can be queried; waits are ours."""

    CLUSTER = "cluster"
    EXPORT = "export"
    EXTSTORAGE = "extstorage"
    FILTER = "filter"
    GROUP = "group"
    INSTANCE = "instance"
    JOB = "job"
    LOCK = "lock"
    NETWORK = "network"
    NODE = "node"
    OS = "os"
    WAIT = "wait"
