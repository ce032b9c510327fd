"""The objects of a new cluster, from what ``gnt-cluster init`` was told.

Source: gnt-cluster(8) INIT; defaults from the constants and parameter facts.
"""

from collections.abc import Mapping
from ipaddress import ip_address
from typing import Any, Final

from pyganeti.kit.ids import Ids
from pyganeti.model.cluster import DEFAULT_COLLECTORS, Cluster
from pyganeti.model.enums import AllocPolicy, DiskTemplate, Hypervisor, SshKeyType
from pyganeti.model.errors import ECode, OpPrereqError, ParameterError
from pyganeti.model.group import NodeGroup
from pyganeti.model.names import check_hostname
from pyganeti.model.node import Node
from pyganeti.model.params.be import check_beparams
from pyganeti.model.params.disk import (
    check_complete_diskparams,
    check_diskparams,
    fill_diskparams,
)
from pyganeti.model.params.hv import check_cluster_hvparams
from pyganeti.model.params.ipolicy import (
    DEFAULT_IPOLICY,
    check_complete_ipolicy,
    fill_ipolicy,
    to_dict,
    updated_ipolicy,
)
from pyganeti.model.params.nd import check_ndparams
from pyganeti.model.params.nic import check_nicparams
from pyganeti.model.params.state import updated_disk_state, updated_hv_state
from pyganeti.model.ssh_keys import default_bits
from pyganeti.model.uid_pool import check_pool
from pyganeti.model.view import ClusterView

# Any: option values of many types.
Options = Mapping[str, Any]

_MAC_PREFIX: Final = "aa:00:00"
_FIRST_PORT: Final = 11000
_POOL_SIZE: Final = 10
_MAX_JOBS: Final = 100
_LVM: Final = frozenset({DiskTemplate.PLAIN, DiskTemplate.DRBD})
_FILE_DIR: Final = "/srv/ganeti/file-storage"
_SHARED_DIR: Final = "/srv/ganeti/shared-file-storage"
_GLUSTER_DIR: Final = "/var/run/ganeti/gluster"
DRBD_HELPER: Final = "/bin/true"


def initial_objects(
    options: Options,
    *,
    node_name: str,
    node_ip: str,
    master_ip: str,
    ids: Ids,
    now: float,
    host_key: str,
) -> ClusterView:
    """A snapshot with the cluster, the group ``default`` and one node, at serial 1.

    Raises:
        OpPrereqError: an option is wrong.
        ParameterError: a parameter is wrong.
    """
    group = NodeGroup(
        uuid=ids.uuid(),
        name="default",
        alloc_policy=AllocPolicy.PREFERRED,
        networks={},
        ctime=now,
        mtime=now,
    )
    node = Node(
        uuid=ids.uuid(),
        name=check_hostname(node_name),
        primary_ip=node_ip,
        secondary_ip=options.get("secondary_ip") or node_ip,
        master_candidate=True,
        offline=False,
        drained=False,
        group=group.uuid,
        master_capable=True,
        vm_capable=True,
        powered=True,
        ctime=now,
        mtime=now,
    )
    cluster = _cluster(options, node, master_ip, ids, now, host_key)
    return ClusterView.from_objects([cluster, group, node], serial=1)


def _cluster(
    options: Options, node: Node, master_ip: str, ids: Ids, now: float, host_key: str
) -> Cluster:
    hypervisors = _chosen(Hypervisor, options.get("enabled_hypervisors"), ["xen-pvm"])
    templates = _chosen(DiskTemplate, options.get("enabled_disk_templates"), ["drbd", "plain"])
    version = ip_address(master_ip).version
    ssh_type = SshKeyType(options.get("ssh_key_type") or SshKeyType.RSA)
    return Cluster(
        uuid=ids.uuid(),
        ctime=now,
        mtime=now,
        cluster_name=check_hostname(options["cluster_name"]),
        rsahostkeypub=host_key,
        highest_used_port=_FIRST_PORT - 1,
        tcpudp_port_pool=(),
        mac_prefix=check_mac_prefix(options.get("mac_prefix") or _MAC_PREFIX),
        drbd_usermode_helper=_drbd_helper(options.get("drbd_helper"), templates),
        volume_group_name=_volume_group(options.get("vg_name"), templates),
        reserved_lvs=(),
        master_node=node.uuid,
        master_ip=master_ip,
        master_netdev=options.get("master_netdev") or "xen-br0",
        master_netmask=options.get("master_netmask") or (32 if version == 4 else 128),
        use_external_mip_script=bool(options.get("use_external_mip_script")),
        file_storage_dir=_directory(options, "file_storage_dir", _FILE_DIR),
        shared_file_storage_dir=_directory(options, "shared_file_storage_dir", _SHARED_DIR),
        gluster_storage_dir=_directory(options, "gluster_storage_dir", _GLUSTER_DIR),
        enabled_hypervisors=hypervisors,
        hvparams=_hvparams(options.get("hvparams") or {}, hypervisors),
        os_hvp={},
        beparams={"default": check_beparams(options.get("beparams") or {})},
        osparams={},
        osparams_private_cluster={},
        nicparams={"default": check_nicparams(options.get("nicparams") or {})},
        ndparams=check_ndparams(options.get("ndparams") or {}),
        diskparams=_diskparams(options.get("diskparams") or {}),
        candidate_pool_size=options.get("candidate_pool_size") or _POOL_SIZE,
        modify_etc_hosts=bool(options.get("modify_etc_hosts")),
        modify_ssh_setup=bool(options.get("modify_ssh_setup")),
        maintain_node_health=bool(options.get("maintain_node_health")),
        uid_pool=check_pool(tuple(pair) for pair in options.get("uid_pool") or ()),
        default_iallocator=options.get("default_iallocator") or "",
        default_iallocator_params=options.get("default_iallocator_params") or {},
        hidden_os=(),
        blacklisted_os=(),
        primary_ip_family=2 if version == 4 else 10,
        prealloc_wipe_disks=bool(options.get("prealloc_wipe_disks")),
        ipolicy=_policy(options.get("ipolicy") or {}, templates),
        hv_state_static=updated_hv_state({}, options.get("hv_state") or {}),
        disk_state_static=updated_disk_state({}, options.get("disk_state") or {}),
        enabled_disk_templates=templates,
        candidate_certs={},
        max_running_jobs=_MAX_JOBS,
        max_tracked_jobs=_MAX_JOBS,
        install_image=options.get("install_image") or "",
        instance_communication_network="",
        zeroing_image=options.get("zeroing_image") or "",
        compression_tools=tuple(
            options.get("compression_tools") or ("gzip", "gzip-fast", "gzip-slow")
        ),
        enabled_user_shutdown=bool(options.get("enabled_user_shutdown")),
        data_collectors=DEFAULT_COLLECTORS,
        ssh_key_type=ssh_type,
        ssh_key_bits=options.get("ssh_key_bits") or default_bits(ssh_type),
    )


def _chosen(kind: Any, given: list[str] | None, default: list[str]) -> tuple[Any, ...]:
    """Members of the enumeration ``kind`` by name. Any: an enumeration class and its members."""
    names = list(dict.fromkeys(given or default))
    known = {str(member) for member in kind}
    unknown = [name for name in names if name not in known]
    if unknown:
        expected = ", ".join(sorted(known))
        raise OpPrereqError(f"{unknown[0]!r} is not one of {expected}", ECode.INVAL)
    return tuple(kind(name) for name in names)


def _hvparams(
    given: Mapping[str, Mapping[str, object]], enabled: tuple[Hypervisor, ...]
) -> dict[str, dict[str, object]]:
    known = {str(hypervisor) for hypervisor in Hypervisor}
    for name in given:
        if name not in known:
            raise ParameterError(f"there is no hypervisor {name!r}")
    return {
        str(name): check_cluster_hvparams(name, given.get(name, {}))
        for name in Hypervisor
        if name in enabled or name in given
    }


def _policy(given: Mapping[str, object], templates: tuple[DiskTemplate, ...]) -> dict[str, object]:
    """The built-in policy with what was given; it allows what is enabled unless told otherwise."""
    base = {**to_dict(DEFAULT_IPOLICY), "disk-templates": [str(name) for name in templates]}
    found = updated_ipolicy(base, given) if given else base
    check_complete_ipolicy(fill_ipolicy(found, {}))
    return found


def _diskparams(given: Mapping[str, object]) -> dict[DiskTemplate, dict[str, object]]:
    found = check_diskparams(given)
    check_complete_diskparams(fill_diskparams(found, {}))
    return found


def _drbd_helper(given: str | None, templates: tuple[DiskTemplate, ...]) -> str | None:
    """What DRBD's kernel module must call on events: nothing of ours, so it should do nothing."""
    return given or (DRBD_HELPER if DiskTemplate.DRBD in templates else None)


def check_mac_prefix(given: str) -> str:
    """The first half of MAC addresses, in lower case.

    Raises:
        OpPrereqError: it is no such thing.
    """
    parts = given.lower().split(":")
    if len(parts) != 3 or any(len(part) != 2 or not _is_hex(part) for part in parts):
        raise OpPrereqError(f"MAC prefix {given!r} is not of the form aa:bb:cc", ECode.INVAL)
    if int(parts[0], 16) & 1:
        raise OpPrereqError(f"MAC prefix {given!r} is that of multicast addresses", ECode.INVAL)
    return ":".join(parts)


def _is_hex(text: str) -> bool:
    return all(letter in "0123456789abcdef" for letter in text)


def _volume_group(given: str | None, templates: tuple[DiskTemplate, ...]) -> str | None:
    if not _LVM & set(templates):
        if given:
            text = f"volume group {given} was given but neither plain nor drbd is enabled"
            raise OpPrereqError(text, ECode.INVAL)
        return None
    return given or "xenvg"


def _directory(options: Options, name: str, default: str) -> str:
    value = options.get(name)
    if value is None:
        return default
    if value and not str(value).startswith("/"):
        raise OpPrereqError(f"{name} {value!r} is not an absolute path", ECode.INVAL)
    return str(value)
