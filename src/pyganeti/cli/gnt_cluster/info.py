"""``gnt-cluster`` info, getmaster, master-ping, version: what the master knows of the cluster.

Source: gnt-cluster(8).
"""

from typing import TYPE_CHECKING, Any, Final

from pyganeti.cli import failure, info, policy
from pyganeti.cli.option import Command
from pyganeti.cli.options import shared as o
from pyganeti.cli.roman import romanized
from pyganeti.cli.table import timestamp
from pyganeti.model.errors import GenericError

if TYPE_CHECKING:
    from optparse import Values

    from pyganeti.cli.context import Context
    from pyganeti.kit.paths import Paths

# The answer to QueryClusterInfo, by Ganeti's names.
Cluster = dict[str, Any]


def show_master(ctx: "Context", opts: "Values", args: list[str]) -> int:
    """Print the master's name, from this node's own files: it works with the master down."""
    try:
        with open(ctx.paths.ssconf("master_node"), encoding="utf-8") as handle:
            ctx.say(handle.read().strip())
    except OSError:
        (name,) = ctx.query_client.query_config_values(["master_node"])
        ctx.say(name)
    return failure.OK


def ping(ctx: "Context", opts: "Values", args: list[str]) -> int:
    """Succeed when the master answers; print nothing."""
    try:
        ctx.query_client.query_cluster_info()
    except GenericError:
        return failure.FAILURE
    return failure.OK


def show_version(ctx: "Context", opts: "Values", args: list[str]) -> int:
    """Print the versions of software and formats."""
    data = ctx.query_client.query_cluster_info()
    ctx.say(f"Software version: {data['software_version']}")
    ctx.say(f"Internode protocol: {data['protocol_version']}")
    ctx.say(f"Configuration format: {data['config_version']}")
    ctx.say(f"OS api version: {data['os_api_version']}")
    ctx.say(f"Export interface: {data['export_version']}")
    ctx.say(f"VCS version: {data['vcs_version']}")
    return failure.OK


def show(ctx: "Context", opts: "Values", args: list[str]) -> int:
    """Print all settings."""
    data = ctx.query_client.query_cluster_info()
    if opts.format != "table":
        ctx.dump(opts, data)
        return failure.OK
    shown = details(data, ctx.paths)
    ctx.write(info.render(romanized(shown) if opts.roman_integers else shown))
    return failure.OK


def details(data: Cluster, paths: "Paths") -> list[tuple[str, Any]]:
    """The cluster as pairs, in the order printed."""
    enabled = data["enabled_hypervisors"]
    limits = policy.show(data["ipolicy"], data["ipolicy"], cluster=True)
    return [
        ("Cluster name", data["name"]),
        ("Cluster UUID", data["uuid"]),
        ("Creation time", timestamp(data["ctime"])),
        ("Modification time", timestamp(data["mtime"])),
        ("Master node", data["master"]),
        ("Architecture (this node)", f"{data['architecture'][0]} ({data['architecture'][1]})"),
        ("Tags", info.listed(sorted(data["tags"]))),
        ("Default hypervisor", data["default_hypervisor"]),
        ("Enabled hypervisors", ", ".join(enabled)),
        ("Hypervisor parameters", {name: data["hvparams"][name] for name in enabled}),
        ("OS-specific hypervisor parameters", data["os_hvp"]),
        ("OS parameters", data["osparams"]),
        ("Hidden OSes", ", ".join(data["hidden_os"])),
        ("Blacklisted OSes", ", ".join(data["blacklisted_os"])),
        ("Cluster parameters", _settings(data, paths)),
        ("Default node parameters", data["ndparams"]),
        ("Default instance parameters", data["beparams"]),
        ("Default nic parameters", data["nicparams"]),
        ("Default disk parameters", data["diskparams"]),
        ("Instance policy - limits for instances", limits),
        ("Data collectors", _collectors(data)),
    ]


def _settings(data: Cluster, paths: "Paths") -> list[tuple[str, Any]]:
    ranges = [f"{low}-{high}" if low != high else str(low) for low, high in data["uid_pool"]]
    return [
        ("candidate pool size", data["candidate_pool_size"]),
        ("maximal number of jobs running simultaneously", data["max_running_jobs"]),
        (
            "maximal number of jobs simultaneously tracked by the scheduler",
            data["max_tracked_jobs"],
        ),
        ("mac prefix", data["mac_prefix"]),
        ("master netdev", data["master_netdev"]),
        ("master netmask", data["master_netmask"]),
        ("use external master IP address setup script", data["use_external_mip_script"]),
        ("lvm volume group", data["volume_group_name"]),
        ("lvm reserved volumes", info.listed(data["reserved_lvs"])),
        ("drbd usermode helper", data["drbd_usermode_helper"]),
        ("file storage path", data["file_storage_dir"]),
        ("shared file storage path", data["shared_file_storage_dir"]),
        ("gluster storage path", data["gluster_storage_dir"]),
        ("maintenance of node health", data["maintain_node_health"]),
        ("uid pool", ", ".join(ranges)),
        ("default instance allocator", data["default_iallocator"]),
        ("default instance allocator parameters", data["default_iallocator_params"]),
        ("primary ip version", data["primary_ip_version"]),
        ("preallocation wipe disks", data["prealloc_wipe_disks"]),
        ("OS search path", ", ".join(paths.os_search_path())),
        ("ExtStorage Providers search path", ", ".join(paths.provider_search_path())),
        ("enabled disk templates", info.listed(data["enabled_disk_templates"])),
        ("install image", data["install_image"]),
        ("instance communication network", data["instance_communication_network"]),
        ("zeroing image", data["zeroing_image"]),
        ("compression tools", list(data["compression_tools"])),
        ("enabled user shutdown", data["enabled_user_shutdown"]),
        ("modify ssh setup", data["modify_ssh_setup"]),
        ("ssh_key_type", data["ssh_key_type"]),
        ("ssh_key_bits", data["ssh_key_bits"]),
    ]


def _collectors(data: Cluster) -> dict[str, Any]:
    intervals = data["data_collector_interval"]
    return {
        name: [("active", active), ("interval", f"{intervals[name] / 1_000_000:.3f}s")]
        for name, active in data["enabled_data_collectors"].items()
    }


COMMANDS: Final = {
    "getmaster": Command(show_master, (), ()),
    "info": Command(show, (), (o.ROMAN_INTEGERS, o.FORMAT)),
    "master-ping": Command(ping, (), ()),
    "version": Command(show_version, (), ()),
}
