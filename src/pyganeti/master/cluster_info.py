"""The answers to LUXI's ``QueryClusterInfo`` and ``QueryConfigValues``."""

import platform
from collections.abc import Mapping
from typing import Any

import msgspec

from pyganeti.model.enums import Hypervisor
from pyganeti.model.params import hv
from pyganeti.model.params.be import fill_beparams
from pyganeti.model.params.disk import fill_diskparams
from pyganeti.model.params.ipolicy import fill_ipolicy, to_dict
from pyganeti.model.params.kinds import filled
from pyganeti.model.params.nd import fill_ndparams
from pyganeti.model.params.nd import to_dict as nd_to_dict
from pyganeti.model.params.nic import fill_nicparams
from pyganeti.model.versions import (
    CONFIG_VERSION,
    EXPORT_VERSION,
    OS_API_VERSION,
    PROTOCOL_VERSION,
    RELEASE_VERSION,
    VCS_VERSION,
)
from pyganeti.model.view import ClusterView

_PLAIN = (
    "candidate_pool_size",
    "max_running_jobs",
    "max_tracked_jobs",
    "mac_prefix",
    "master_netdev",
    "master_netmask",
    "use_external_mip_script",
    "volume_group_name",
    "drbd_usermode_helper",
    "file_storage_dir",
    "shared_file_storage_dir",
    "gluster_storage_dir",
    "maintain_node_health",
    "ctime",
    "mtime",
    "uuid",
    "default_iallocator",
    "default_iallocator_params",
    "prealloc_wipe_disks",
    "install_image",
    "instance_communication_network",
    "zeroing_image",
    "enabled_user_shutdown",
    "modify_ssh_setup",
    "ssh_key_type",
    "ssh_key_bits",
    "os_hvp",
    "osparams",
)
_LISTS = ("enabled_hypervisors", "tags", "uid_pool", "reserved_lvs", "hidden_os", "blacklisted_os")
_MORE_LISTS = ("enabled_disk_templates", "compression_tools")


# Any: values of many types, as the protocol has them.
def cluster_info(view: ClusterView) -> dict[str, Any]:
    """All settings, with defaults filled in."""
    cluster = view.cluster
    plain = {name: getattr(cluster, name) for name in _PLAIN}
    lists = {name: list(getattr(cluster, name)) for name in (*_LISTS, *_MORE_LISTS)}
    return {
        "software_version": RELEASE_VERSION,
        "protocol_version": PROTOCOL_VERSION,
        "config_version": CONFIG_VERSION,
        "os_api_version": OS_API_VERSION,
        "export_version": EXPORT_VERSION,
        "vcs_version": VCS_VERSION,
        # As Ganeti words it: "64bits", where Python has "64bit".
        "architecture": [f"{platform.architecture()[0]}s", platform.machine()],
        "name": cluster.cluster_name,
        "master": view.master_node.name,
        "default_hypervisor": cluster.enabled_hypervisors[0],
        "primary_ip_version": cluster.ip_version,
        **plain,
        **lists,
        **_parameters(view),
        "enabled_data_collectors": {
            name: collector.active for name, collector in cluster.data_collectors.items()
        },
        "data_collector_interval": {
            name: collector.interval for name, collector in cluster.data_collectors.items()
        },
    }


def _parameters(view: ClusterView) -> dict[str, Any]:
    cluster = view.cluster
    hvparams = {
        str(name): filled(hv.DEFAULTS[Hypervisor(name)], cluster.hvparams.get(name, {}))
        for name in dict.fromkeys([*cluster.enabled_hypervisors, *cluster.hvparams])
    }
    default_be = fill_beparams(cluster.beparams.get("default", {}), {})
    default_nic = fill_nicparams(cluster.nicparams.get("default", {}), {})
    return {
        "hvparams": hvparams,
        "beparams": {"default": msgspec.to_builtins(default_be)},
        "nicparams": {"default": msgspec.to_builtins(default_nic)},
        "ndparams": nd_to_dict(fill_ndparams(cluster.ndparams, {}, {})),
        "diskparams": {
            str(name): values for name, values in fill_diskparams(cluster.diskparams, {}).items()
        },
        "ipolicy": to_dict(fill_ipolicy(cluster.ipolicy, {})),
    }


def config_values(
    names: list[str], view: ClusterView, *, drained: bool, watcher_pause: float | None
) -> list[Any]:
    """Single values by name, in the order asked; ``None`` for an unknown name, as in Ganeti."""
    cluster = view.cluster
    known: Mapping[str, Any] = {
        "cluster_name": cluster.cluster_name,
        "master_node": view.master_node.name,
        "drain_flag": drained,
        "watcher_pause": watcher_pause,
        "modify_ssh_setup": cluster.modify_ssh_setup,
        "ssh_key_type": cluster.ssh_key_type,
        "ssh_key_bits": cluster.ssh_key_bits,
    }
    return [known.get(name) for name in names]
