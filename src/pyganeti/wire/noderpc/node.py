"""Node calls about the node itself: state, role, checks."""

from typing import ClassVar

import msgspec

from .call import FAST_S, URGENT_S, NodeCall
from .disks import StorageUnit
from .struct import Params
from .types import (
    HookResult,
    MasterVote,
    NodeInfo,
    NodeVerifyResult,
    VersionInfo,
)


class VersionCall(NodeCall[VersionInfo], frozen=True, kw_only=True):
    """Versions of the node's programs, and its epoch."""

    procedure: ClassVar[str] = "version"
    timeout_s: ClassVar[float] = URGENT_S
    open_to_members: ClassVar[bool] = True


class MasterNodeNameCall(NodeCall[MasterVote], frozen=True, kw_only=True):
    """The node's vote for who is the master."""

    procedure: ClassVar[str] = "master_node_name"
    timeout_s: ClassVar[float] = URGENT_S
    open_to_members: ClassVar[bool] = True


class EpochTakeCall(NodeCall[int], frozen=True, kw_only=True):
    """Store the caller's epoch durably, as every call does, and answer with it.

    Attributes:
        keep: tasks of earlier masters that the caller goes on waiting for; all others end.
            ``None`` leaves it to the next call of this kind to say so.
    """

    procedure: ClassVar[str] = "epoch_take"
    timeout_s: ClassVar[float] = URGENT_S

    keep: frozenset[str] | None = frozenset()


class NodeInfoCall(NodeCall[NodeInfo], frozen=True, kw_only=True):
    """Memory, CPUs and storage space."""

    procedure: ClassVar[str] = "node_info"
    timeout_s: ClassVar[float] = URGENT_S

    storage_units: tuple[StorageUnit, ...] = ()
    hypervisors: dict[str, Params] = msgspec.field(default_factory=dict)


class NodeVerifyCall(NodeCall[NodeVerifyResult], frozen=True, kw_only=True):
    """Check the node; every field asks for one check.

    Attributes:
        cluster_name: name of the cluster.
        hypervisors: the enabled ones, with cluster parameters.
        hvparams: ``(source, hypervisor, parameters)`` to validate.
        files: paths to checksum.
        bridges: bridges that must exist.
        storage_dirs: directories that must be usable.
        check_storage_paths: read the file storage whitelist.
        reach: name to ``(ip, port)`` of daemons to connect to.
        logins: nodes to log in on over ssh, with their ports.
        user_scripts: programs that must be there.
        oses: describe OS definitions.
        node_setup: check directories and files of the node.
        vg_name: look at this volume group and its volumes.
        exclusive_pvs: its physical volumes are to be of one size, and none shared.
        drbd: look at DRBD.
        certificates: look at the node's certificates.
        clutter: host names that root must not have more than one ssh key of.
    """

    procedure: ClassVar[str] = "node_verify"

    cluster_name: str
    hypervisors: dict[str, Params] = msgspec.field(default_factory=dict)
    hvparams: tuple[tuple[str, str, Params], ...] = ()
    files: tuple[str, ...] = ()
    bridges: tuple[str, ...] = ()
    storage_dirs: tuple[str, ...] = ()
    storage_units: tuple[StorageUnit, ...] = ()
    check_storage_paths: bool = False
    reach: dict[str, tuple[str, int]] = msgspec.field(default_factory=dict)
    logins: dict[str, int] = msgspec.field(default_factory=dict)
    user_scripts: tuple[str, ...] = ()
    oses: bool = False
    node_setup: bool = False
    vg_name: str | None = None
    exclusive_pvs: bool = False
    drbd: bool = False
    certificates: bool = False
    clutter: tuple[str, ...] = ()


class BridgesExistCall(NodeCall[None], frozen=True, kw_only=True):
    """Raises: NetworkError names the bridges that do not exist."""

    procedure: ClassVar[str] = "bridges_exist"
    timeout_s: ClassVar[float] = URGENT_S

    bridges: tuple[str, ...]


class NodeConfigureOvsCall(NodeCall[None], frozen=True, kw_only=True):
    """Make a switch of Open vSwitch; one that is there is a success.

    Attributes:
        ovs_name: of the switch.
        ovs_link: interface that connects it to the outside; empty for none.
    """

    procedure: ClassVar[str] = "node_configure_ovs"
    timeout_s: ClassVar[float] = FAST_S
    changes: ClassVar[bool] = True

    ovs_name: str
    ovs_link: str = ""


class NodeHasIpAddressCall(NodeCall[bool], frozen=True, kw_only=True):
    """Whether an address is configured on the node."""

    procedure: ClassVar[str] = "node_has_ip_address"
    timeout_s: ClassVar[float] = FAST_S

    address: str


class EtcHostsLookupCall(NodeCall[str | None], frozen=True, kw_only=True):
    """The address of a name in the node's hosts file; other sources of names are not asked."""

    procedure: ClassVar[str] = "etc_hosts_lookup"
    timeout_s: ClassVar[float] = URGENT_S

    name: str


class EtcHostsModifyCall(NodeCall[None], frozen=True, kw_only=True):
    """Add (``mode`` ``add``, with ``ip``) or remove a name in the node's hosts file."""

    procedure: ClassVar[str] = "etc_hosts_modify"
    changes: ClassVar[bool] = True

    mode: str
    name: str
    ip: str | None = None


class HooksRunnerCall(NodeCall[tuple[HookResult, ...]], frozen=True, kw_only=True):
    """Run the scripts of a hook directory in order; ``phase`` is ``pre`` or ``post``."""

    procedure: ClassVar[str] = "hooks_runner"
    changes: ClassVar[bool] = True
    repeatable: ClassVar[bool] = False

    hpath: str
    phase: str
    env: dict[str, str] = msgspec.field(default_factory=dict)


class MasterIpParams(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The master's address: ``netmask`` is a prefix length, ``ip_family`` 2 or 10."""

    ip: str
    netmask: int
    netdev: str
    ip_family: int = 2
    uuid: str = ""


class NodeActivateMasterIpCall(NodeCall[None], frozen=True, kw_only=True):
    """Configure the master's address; one that is there is a success."""

    procedure: ClassVar[str] = "node_activate_master_ip"
    timeout_s: ClassVar[float] = FAST_S
    changes: ClassVar[bool] = True

    master: MasterIpParams
    use_external_script: bool = False


class NodeDeactivateMasterIpCall(NodeCall[None], frozen=True, kw_only=True):
    """Take the master's address away; a missing one is a success."""

    procedure: ClassVar[str] = "node_deactivate_master_ip"
    timeout_s: ClassVar[float] = FAST_S
    changes: ClassVar[bool] = True

    master: MasterIpParams
    use_external_script: bool = False


class NodeStartMasterDaemonsCall(NodeCall[None], frozen=True, kw_only=True):
    """Start the master's daemons here."""

    procedure: ClassVar[str] = "node_start_master_daemons"
    timeout_s: ClassVar[float] = FAST_S
    changes: ClassVar[bool] = True

    no_voting: bool = False


class NodeStopMasterCall(NodeCall[None], frozen=True, kw_only=True):
    """Stop the master's daemons here."""

    procedure: ClassVar[str] = "node_stop_master"
    timeout_s: ClassVar[float] = FAST_S
    changes: ClassVar[bool] = True


class NodeLeaveClusterCall(NodeCall[None], frozen=True, kw_only=True):
    """Remove the cluster's keys, certificates and data from the node, then stop its daemon.

    The answer is sent before the daemon ends.
    """

    procedure: ClassVar[str] = "node_leave_cluster"
    changes: ClassVar[bool] = True

    modify_ssh_setup: bool = True


class TestDelayCall(NodeCall[None], frozen=True, kw_only=True):
    """Wait ``duration`` seconds, as a task."""

    __test__: ClassVar[bool] = False  # pytest would collect it

    procedure: ClassVar[str] = "test_delay"
    changes: ClassVar[bool] = True
    long: ClassVar[bool] = True

    duration: float


CALLS = (
    BridgesExistCall,
    EpochTakeCall,
    EtcHostsLookupCall,
    EtcHostsModifyCall,
    HooksRunnerCall,
    MasterNodeNameCall,
    NodeActivateMasterIpCall,
    NodeConfigureOvsCall,
    NodeDeactivateMasterIpCall,
    NodeHasIpAddressCall,
    NodeInfoCall,
    NodeLeaveClusterCall,
    NodeStartMasterDaemonsCall,
    NodeStopMasterCall,
    NodeVerifyCall,
    TestDelayCall,
    VersionCall,
)
