"""``gnt-cluster modify``: options -> ``OP_CLUSTER_SET_PARAMS``. Source: gnt-cluster(8) MODIFY."""

from typing import TYPE_CHECKING, Any, Final

from pyganeti.cli import failure
from pyganeti.cli.gnt_cluster.settings import shared_parameters
from pyganeti.cli.option import Command
from pyganeti.cli.options import cluster as c
from pyganeti.cli.options import shared as o
from pyganeti.cli.parse import parse_bool, parse_id_ranges, parse_list
from pyganeti.cli.policy import policy_from
from pyganeti.cli.submit import run_op
from pyganeti.model.errors import OpPrereqError
from pyganeti.wire.luxi.client import OpDict

if TYPE_CHECKING:
    from optparse import Values

    from pyganeti.cli.context import Context


def run(ctx: "Context", opts: "Values", args: list[str]) -> int:
    """Change settings of the cluster."""
    changes = parameters(opts)
    if not changes:
        raise OpPrereqError("please give at least one of the parameters")
    run_op(ctx, opts, {"OP_ID": "OP_CLUSTER_SET_PARAMS", "force": opts.force, **changes})
    return failure.OK


def parameters(opts: "Values") -> OpDict:
    """What is to be changed."""
    values = {
        **shared_parameters(opts),
        "add_uids": _ranges(opts.add_uids),
        "data_collector_interval": _intervals(opts.data_collector_interval) or None,
        "enabled_data_collectors": _flags(opts.enabled_data_collectors) or None,
        "instance_communication_network": opts.instance_communication_network,
        "ipolicy": policy_from(opts) or None,
        "max_running_jobs": opts.max_running_jobs,
        "max_tracked_jobs": opts.max_tracked_jobs,
        "modify_etc_hosts": opts.modify_etc_hosts,
        "remove_uids": _ranges(opts.remove_uids),
        "reserved_lvs": None if opts.reserved_lvs is None else parse_list(opts.reserved_lvs),
        "uid_pool": _ranges(opts.uid_pool),
    }
    return {key: value for key, value in values.items() if value is not None}


def _ranges(text: str | None) -> list[list[int]] | None:
    return None if text is None else parse_id_ranges(text)


def _flags(values: dict[str, Any]) -> dict[str, bool]:
    return {
        key: parse_bool(value) if isinstance(value, str) else bool(value)
        for key, value in values.items()
    }


def _intervals(values: dict[str, Any]) -> dict[str, int]:
    """Seconds as given, in microseconds as stored."""
    read = {}
    for key, value in values.items():
        try:
            read[key] = round(float(value) * 1_000_000)
        except (TypeError, ValueError, OverflowError) as err:
            raise OpPrereqError(f"--data-collector-interval: {key}={value!r} is no number") from err
    return read


COMMANDS: Final = {
    "modify": Command(
        run,
        (),
        (
            o.FORCE,
            o.BEPARAMS,
            c.CANDIDATE_POOL_SIZE,
            c.MAX_RUNNING_JOBS,
            c.MAX_TRACKED_JOBS,
            c.INSTALL_IMAGE,
            c.INSTANCE_COMMUNICATION_NETWORK,
            c.ENABLED_HYPERVISORS,
            o.HVPARAMS_BY_HYPERVISOR,
            o.MAC_PREFIX,
            c.MASTER_NETDEV,
            c.MASTER_NETMASK,
            o.NICPARAMS,
            c.VG_NAME,
            c.MAINTAIN_NODE_HEALTH,
            c.UID_POOL,
            c.ADD_UIDS,
            c.REMOVE_UIDS,
            c.DRBD_HELPER,
            c.DEFAULT_IALLOCATOR,
            c.DEFAULT_IALLOCATOR_PARAMS,
            c.RESERVED_LVS,
            c.PREALLOC_WIPE_DISKS,
            o.NDPARAMS,
            c.USE_EXTERNAL_MIP_SCRIPT,
            o.DISKPARAMS,
            o.HV_STATE,
            o.DISK_STATE,
            c.ENABLED_DISK_TEMPLATES,
            c.IPOLICY_STD_SPECS,
            c.MODIFY_ETC_HOSTS,
            c.ENABLED_USER_SHUTDOWN,
            o.IPOLICY_BOUNDS_SPECS,
            o.IPOLICY_DISK_TEMPLATES,
            o.IPOLICY_VCPU_RATIO,
            o.IPOLICY_SPINDLE_RATIO,
            c.CLUSTER_FILE_STORAGE_DIR,
            c.SHARED_FILE_STORAGE_DIR,
            c.ZEROING_IMAGE,
            c.COMPRESSION_TOOLS,
            c.ENABLED_DATA_COLLECTORS,
            c.DATA_COLLECTOR_INTERVAL,
            *o.JOB_DRY_RUN,
        ),
        usage="[options...]",
    ),
}
