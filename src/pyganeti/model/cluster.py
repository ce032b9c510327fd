"""The cluster itself: its identity, its defaults and what is enabled."""

from collections.abc import Mapping
from typing import Final

from .base import Part, TaggedObject, values
from .enums import DiskTemplate, Hypervisor, SshKeyType
from .params.disk import DiskParams
from .params.kinds import Values
from .params.state import DiskState, HvState

# What Linux calls the family of IPv4 addresses.
_INET: Final = 2


class DataCollectorConfig(Part, frozen=True, kw_only=True):
    """Whether a monitoring collector runs, and how often (``interval`` in microseconds)."""

    active: bool
    interval: int


DEFAULT_COLLECTORS: Final = dict.fromkeys(
    ("cpu-avg-load", "diskstats", "drbd", "inst-status-xen", "lv", "xen-cpu-avg-load"),
    DataCollectorConfig(active=True, interval=5_000_000),
)
"""The collectors there are, by name, as they are before anybody has set anything."""


class Cluster(TaggedObject, frozen=True, kw_only=True):
    """The cluster's settings.

    Attributes:
        tcpudp_port_pool: ports given back; a new one comes from here first.
        master_node: UUID.
        hvparams: by hypervisor.
        os_hvp: by OS, then by hypervisor.
        beparams: by group of values; only ``default`` exists. So do ``nicparams``.
        osparams: by OS.
        uid_pool: ranges, both ends included.
        primary_ip_family: 2 for IPv4, 10 for IPv6.
        candidate_certs: digest of the certificate by node UUID.
    """

    cluster_name: str
    rsahostkeypub: str
    dsahostkeypub: str | None = None
    highest_used_port: int
    tcpudp_port_pool: tuple[int, ...]
    mac_prefix: str
    volume_group_name: str | None = None
    reserved_lvs: tuple[str, ...]
    drbd_usermode_helper: str | None = None
    master_node: str
    master_ip: str
    master_netdev: str
    master_netmask: int
    use_external_mip_script: bool
    file_storage_dir: str
    shared_file_storage_dir: str
    gluster_storage_dir: str
    enabled_hypervisors: tuple[Hypervisor, ...]
    hvparams: Mapping[str, Values]
    os_hvp: Mapping[str, Mapping[str, Values]]
    beparams: Mapping[str, Values]
    osparams: Mapping[str, Values]
    osparams_private_cluster: Mapping[str, Values]
    nicparams: Mapping[str, Values]
    ndparams: Values
    diskparams: DiskParams
    candidate_pool_size: int
    modify_etc_hosts: bool
    modify_ssh_setup: bool
    maintain_node_health: bool
    uid_pool: tuple[tuple[int, int], ...]
    default_iallocator: str
    default_iallocator_params: Values
    hidden_os: tuple[str, ...]
    blacklisted_os: tuple[str, ...]
    primary_ip_family: int
    prealloc_wipe_disks: bool
    ipolicy: Values
    hv_state_static: HvState = values()
    disk_state_static: DiskState = values()
    enabled_disk_templates: tuple[DiskTemplate, ...]
    candidate_certs: Mapping[str, str]
    max_running_jobs: int
    max_tracked_jobs: int
    install_image: str
    instance_communication_network: str
    zeroing_image: str
    compression_tools: tuple[str, ...]
    enabled_user_shutdown: bool
    data_collectors: Mapping[str, DataCollectorConfig]
    ssh_key_type: SshKeyType
    ssh_key_bits: int

    @property
    def ip_version(self) -> int:
        """Of the nodes' primary addresses, and of what host names are looked up for: 4 or 6."""
        return 4 if self.primary_ip_family == _INET else 6
