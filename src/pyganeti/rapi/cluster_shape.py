"""What ``/2/info`` answers: the cluster's settings and the type of each. Pure.

Source: LUXI's ``QueryClusterInfo``; ``tests/golden/rapi``.
"""

from collections.abc import Mapping
from typing import Final

from .shapes import Fields, JsonObject

_VERSIONS: Final = ("protocol", "config", "os_api", "export")
_NUMBERS: Final = (
    "candidate_pool_size", "max_running_jobs", "max_tracked_jobs", "master_netmask", "ssh_key_bits",
    "primary_ip_version",
)  # fmt: skip
_TEXTS: Final = (
    "software_version", "vcs_version", "name", "master", "default_hypervisor", "mac_prefix",
    "master_netdev", "file_storage_dir", "shared_file_storage_dir", "gluster_storage_dir", "uuid",
    "default_iallocator", "install_image", "instance_communication_network", "zeroing_image",
    "ssh_key_type",
)  # fmt: skip
# The newer of two names each, then the older one.
_NAMED_TWICE: Final = (
    "volume_group_name", "drbd_usermode_helper", "vg_name", "drbd_helper",
)  # fmt: skip
_FLAGS: Final = (
    "use_external_mip_script", "maintain_node_health", "prealloc_wipe_disks",
    "enabled_user_shutdown", "modify_ssh_setup",
)  # fmt: skip
_LISTS: Final = (
    "enabled_hypervisors", "tags", "reserved_lvs", "hidden_os", "blacklisted_os",
    "enabled_disk_templates", "compression_tools", "architecture",
)  # fmt: skip
_PARAMETERS: Final = (
    "default_iallocator_params", "os_hvp", "osparams", "hvparams", "beparams", "nicparams",
    "ndparams", "diskparams", "ipolicy",
)  # fmt: skip


def _types() -> Mapping[str, object]:
    return {
        **{f"{name}_version": int for name in _VERSIONS},
        **dict.fromkeys(_NUMBERS, int),
        **dict.fromkeys(_TEXTS, str),
        **dict.fromkeys(_NAMED_TWICE, str | None),
        **dict.fromkeys(_FLAGS, bool),
        **dict.fromkeys(_LISTS, list[str]),
        "uid_pool": list[tuple[int, int]],
        **dict.fromkeys(_PARAMETERS, JsonObject),
        "ctime": float,
        "mtime": float,
        "enabled_data_collectors": dict[str, bool],
        "data_collector_interval": dict[str, int],
    }


CLUSTER: Final = Fields("Cluster", _types())
