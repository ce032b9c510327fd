"""What an instance looks like to a node.

Filled in by the master (all inheritance done), so that a node needs no configuration. Sizes are
MiB. Source: config_schema.json (Instance, Nic, Disk, Network), nicparams.json.
"""

from typing import Any

import msgspec

from .struct import Params, Struct


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
        size: MiB; 0 to be assembled with whatever size it has.
        mode: ``rw`` or ``ro``.
        iv_name: ``disk/0``.
        params: filled disk parameters.
        nodes: UUIDs of the nodes it lies on.
        children: volumes below it.
        spindles: how many physical volumes it takes, which are then its alone, 0 for as many as
            hold it; ``None`` where they are shared.
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


class ScriptSpec(Struct, frozen=True, kw_only=True):
    """What a helper is told that runs an untrusted script: see docs/design/0018-untrusted-os.md.

    Attributes:
        run: names this run, among all of the node.
        environment: of the script.
        secret: names of the parameters that are secret.
    """

    run: str
    environment: dict[str, str]
    secret: tuple[str, ...] = ()


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
        script: of a helper only, on its node only.
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
    script: ScriptSpec | None = None
