"""``gnt-cluster init``: options -> settings -> ``master.bootstrap.init_cluster``.

There is no master to speak LUXI to yet, so this one calls the master's package itself.

Source: gnt-cluster(8) INIT.
"""

from typing import TYPE_CHECKING, Any, Final

from pyganeti.cli import failure
from pyganeti.cli.gnt_cluster.settings import shared_parameters
from pyganeti.cli.option import Arg, Command
from pyganeti.cli.options import cluster as c
from pyganeti.cli.options import shared as o
from pyganeti.cli.parse import parse_id_ranges
from pyganeti.cli.policy import parse_spec, policy_from
from pyganeti.model.errors import OpPrereqError

if TYPE_CHECKING:
    from optparse import Values

    from pyganeti.cli.context import Context

_SPECS: Final = {
    "ispecs_cpu_count": "cpu-count",
    "ispecs_disk_count": "disk-count",
    "ispecs_disk_size": "disk-size",
    "ispecs_mem_size": "memory-size",
    "ispecs_nic_count": "nic-count",
}


def run(ctx: "Context", opts: "Values", args: list[str]) -> int:
    """Found a cluster with this node as its master."""
    settings = parameters(opts, args[0])
    from pyganeti.master.bootstrap import init_cluster

    init_cluster(ctx.paths, settings)
    return failure.OK


def parameters(opts: "Values", name: str) -> dict[str, Any]:
    """The new cluster's settings by option name; what was not given is null.

    ``file_storage_dir`` may be empty, which switches the template off; ``ipolicy`` is partial.
    """
    if opts.primary_ip_version not in (4, "4", "6"):
        raise OpPrereqError(f"invalid IP version {opts.primary_ip_version!r}: use 4 or 6")
    return {
        **shared_parameters(opts),
        "cluster_name": name,
        "gluster_storage_dir": opts.gluster_storage_dir,
        "ipolicy": _policy(opts),
        "modify_etc_hosts": opts.modify_etc_hosts,
        "modify_ssh_setup": opts.modify_ssh_setup,
        "primary_ip_version": int(opts.primary_ip_version),
        "secondary_ip": opts.secondary_ip,
        "ssh_key_bits": opts.ssh_key_bits,
        "ssh_key_type": opts.ssh_key_type,
        "uid_pool": None if opts.uid_pool is None else parse_id_ranges(opts.uid_pool),
    }


def _policy(opts: "Values") -> dict[str, Any] | None:
    """``--ipolicy-...``, or the older ``--specs-...`` with min, max and std for each number."""
    policy = policy_from(opts)
    bounds: dict[str, dict[str, int]] = {"min": {}, "max": {}, "std": {}}
    for dest, spec in _SPECS.items():
        for bound, value in getattr(opts, dest).items():
            if bound not in bounds:
                raise OpPrereqError(f"--specs-{spec}: unknown {bound!r}: use min, max and std")
            bounds[bound][spec] = parse_spec(spec, value, f"--specs-{spec}")
    if any(bounds.values()):
        if "minmax" in policy or "std" in policy:
            raise OpPrereqError("--specs-... and --ipolicy-...-specs exclude each other")
        policy["minmax"] = [{"min": bounds["min"], "max": bounds["max"]}]
        policy["std"] = bounds["std"]
    return policy or None


COMMANDS: Final = {
    "init": Command(
        run,
        (Arg("host"),),
        (
            o.BEPARAMS,
            c.CANDIDATE_POOL_SIZE,
            c.ENABLED_HYPERVISORS,
            c.CLUSTER_FILE_STORAGE_DIR,
            o.HVPARAMS_BY_HYPERVISOR,
            o.MAC_PREFIX,
            c.MASTER_NETDEV,
            c.MASTER_NETMASK,
            o.NICPARAMS,
            c.NO_ETC_HOSTS,
            c.MODIFY_SSH_SETUP,
            o.SECONDARY_IP,
            c.VG_NAME,
            c.MAINTAIN_NODE_HEALTH,
            c.UID_POOL,
            c.DRBD_HELPER,
            c.DEFAULT_IALLOCATOR,
            c.DEFAULT_IALLOCATOR_PARAMS,
            c.PRIMARY_IP_VERSION,
            c.PREALLOC_WIPE_DISKS,
            o.NDPARAMS,
            c.SHARED_FILE_STORAGE_DIR,
            c.USE_EXTERNAL_MIP_SCRIPT,
            o.DISKPARAMS,
            o.HV_STATE,
            o.DISK_STATE,
            c.ENABLED_DISK_TEMPLATES,
            c.IPOLICY_STD_SPECS,
            c.GLUSTER_STORAGE_DIR,
            c.INSTALL_IMAGE,
            c.ZEROING_IMAGE,
            c.COMPRESSION_TOOLS,
            c.ENABLED_USER_SHUTDOWN,
            c.SSH_KEY_BITS,
            c.SSH_KEY_TYPE,
            o.IPOLICY_BOUNDS_SPECS,
            o.IPOLICY_DISK_TEMPLATES,
            o.IPOLICY_VCPU_RATIO,
            o.IPOLICY_SPINDLE_RATIO,
            c.ISPECS_CPU_COUNT,
            c.ISPECS_DISK_COUNT,
            c.ISPECS_DISK_SIZE,
            c.ISPECS_MEM_SIZE,
            c.ISPECS_NIC_COUNT,
        ),
        usage="[options...] {cluster-name}",
    ),
}
