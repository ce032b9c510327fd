"""Change the cluster's settings: ``gnt-cluster modify``.

Source: gnt-cluster(8) MODIFY; hooks path ``cluster-modify``.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final

import msgspec

from pyganeti.kit.patterns import Pattern, PatternError
from pyganeti.master.candidate_pool import Recruit, pool_without, promotion, recruits
from pyganeti.master.changes import together
from pyganeti.master.initial import check_mac_prefix
from pyganeti.master.jobs.run import Run
from pyganeti.master.locks import ALL, LockRequest
from pyganeti.master.lu.base import HookContext, LogicalUnit
from pyganeti.master.lu.cluster.address import move_address
from pyganeti.master.lu.cluster.set_params_address import ADDRESS, address_fields
from pyganeti.master.lu.cluster.set_params_os import check_osparams, updated_osparams
from pyganeti.master.lu.cluster.set_params_storage import (
    DIRECTORIES,
    check_volume_group,
    storage_fields,
)
from pyganeti.master.nodes import NodeReader
from pyganeti.model.change import Change
from pyganeti.model.cluster import Cluster, DataCollectorConfig
from pyganeti.model.enums import DiskTemplate, Hypervisor
from pyganeti.model.errors import ECode, OpPrereqError, ParameterError
from pyganeti.model.params.be import updated_beparams
from pyganeti.model.params.disk import (
    DiskParams,
    check_complete_diskparams,
    fill_diskparams,
    updated_diskparams,
)
from pyganeti.model.params.hv import updated_cluster_hvparams
from pyganeti.model.params.ipolicy import check_complete_ipolicy, fill_ipolicy, updated_ipolicy
from pyganeti.model.params.nd import updated_ndparams
from pyganeti.model.params.nic import updated_nicparams
from pyganeti.model.params.state import updated_disk_state, updated_hv_state
from pyganeti.model.state_disks import add_command, lacking
from pyganeti.model.uid_pool import UidRange, check_pool, without
from pyganeti.model.view import ClusterView
from pyganeti.opcodes.cluster import OpClusterSetParams
from pyganeti.opcodes.types import OsListChange
from pyganeti.wire.noderpc.blockdev import DrbdHelperCall

# Set as given; no node and no other object is concerned.
_PLAIN: Final = frozenset(
    {
        "candidate_pool_size",
        "default_iallocator",
        "default_iallocator_params",
        "enabled_user_shutdown",
        "maintain_node_health",
        "max_running_jobs",
        "max_tracked_jobs",
        "modify_etc_hosts",
        "prealloc_wipe_disks",
        "compression_tools",
        "zeroing_image",
    }
)
# Set as given once they were looked at.
_CHECKED: Final = frozenset(
    {
        "blacklisted_os",
        "data_collector_interval",
        "drbd_helper",
        "enabled_data_collectors",
        "enabled_disk_templates",
        "enabled_hypervisors",
        "hidden_os",
        "add_uids",
        "install_image",
        "mac_prefix",
        "remove_uids",
        "reserved_lvs",
        "uid_pool",
        "vg_name",
        *ADDRESS,
        *DIRECTORIES,
    }
)
_COMMON: Final = frozenset(
    {"dry_run", "debug_level", "priority", "depends", "comment", "reason", "force"}
)
_DEFAULT: Final = "default"


@dataclass(frozen=True, slots=True)
class SetParamsPlan:
    """The request, which is applied to the newest settings, and who fills a larger pool."""

    op: OpClusterSetParams
    recruits: tuple[Recruit, ...]


class LUClusterSetParams(LogicalUnit[OpClusterSetParams, SetParamsPlan, None]):
    """Change settings; those that are not built yet refuse."""

    hooks_path: ClassVar[str] = "cluster-modify"

    def declare_locks(self, op: OpClusterSetParams, view: ClusterView) -> LockRequest:
        """The master, where its address moves; all nodes shared, where some may be promoted."""
        moved = any(getattr(op, name) is not None for name in ADDRESS)
        promotes = op.candidate_pool_size is not None
        return LockRequest(
            nodes=frozenset({view.cluster.master_node} if moved else ()),
            shared_nodes=frozenset({ALL} if promotes else ()),
        )

    async def check_prereq(
        self, op: OpClusterSetParams, view: ClusterView, nodes: NodeReader
    ) -> SetParamsPlan:
        """Refuse what is wrong or not built yet.

        Raises:
            OpPrereqError: names the parameter.
        """
        for field in msgspec.structs.fields(type(op)):
            name = field.name
            if name in BUILT or getattr(op, name) is None:
                continue
            raise OpPrereqError(f"changing {name} is not built yet", ECode.STATE)
        _check_in_use(op, view)
        await _check_drbd_helper(op, view, nodes)
        await check_volume_group(op, view, nodes)
        await check_osparams(op, view, changed(view.cluster, op), nodes)
        address_fields(op, view.cluster)
        _check_state_disks(view, changed(view.cluster, op))
        return SetParamsPlan(op, await _recruits(op, view, nodes))

    def hooks(self, plan: SetParamsPlan, view: ClusterView) -> HookContext:
        """On the master, before and after."""
        name, master = view.cluster.cluster_name, (view.cluster.master_node,)
        env = {"OP_TARGET": name, "NEW_VG_NAME": plan.op.vg_name or ""}
        return HookContext("CLUSTER", name, env, pre=master, post=master)

    def outline(self, plan: SetParamsPlan, view: ClusterView) -> list[str]:
        """See :meth:`LogicalUnit.outline`."""
        before, after = view.cluster, changed(view.cluster, plan.op)
        after = msgspec.structs.replace(after, **address_fields(plan.op, before))
        names = [
            name
            for name in before.__struct_fields__
            if getattr(before, name) != getattr(after, name)
        ]
        promoted = (f"make node {one.node.name} a master candidate" for one in plan.recruits)
        return [*(f"set {name}" for name in names), *promoted]

    async def execute(self, run: Run, plan: SetParamsPlan) -> None:
        """Record the settings."""

        def change(view: ClusterView) -> Change:
            cluster = changed(view.cluster, plan.op)
            return Change() if cluster == view.cluster else Change(puts=(cluster,))

        address = address_fields(plan.op, run.config.view.cluster)
        if address:
            await move_address(run, address)
        async with run.step("record settings"):
            await run.config.commit(together(change, *map(promotion, plan.recruits)))
        for recruit in plan.recruits:
            run.log(f"Node {recruit.node.name} becomes a master candidate")


async def _recruits(
    op: OpClusterSetParams, view: ClusterView, nodes: NodeReader
) -> tuple[Recruit, ...]:
    """Who becomes a candidate since more are wanted; none is demoted for fewer, as in Ganeti."""
    if op.candidate_pool_size is None:
        return ()
    missing = pool_without(view, size=op.candidate_pool_size).missing
    return tuple(await recruits(view, nodes, "", missing))


def _check_in_use(op: OpClusterSetParams, view: ClusterView) -> None:
    """Refuse to disable what instances use."""
    for instance in view.all_instances():
        if op.enabled_hypervisors and instance.hypervisor not in op.enabled_hypervisors:
            text = f"hypervisor {instance.hypervisor} is used by instance {instance.name}"
            raise OpPrereqError(text, ECode.STATE)
        template = view.disk_template(instance)
        if op.enabled_disk_templates and template not in op.enabled_disk_templates:
            text = f"disk template {template} is used by instance {instance.name}"
            raise OpPrereqError(text, ECode.STATE)


def _check_state_disks(view: ClusterView, cluster: Cluster) -> None:
    """Refuse parameters for instances that have not the disks which these need.

    Raises:
        OpPrereqError: ``ECode.STATE``; names the first of them, and what helps.
    """
    after = view.apply(Change(puts=(cluster,)))
    for instance in view.all_instances():
        names = [disk.name for disk in view.disks_of(instance)]
        had = lacking(view.filled_hvparams(instance), names)
        for name in lacking(after.filled_hvparams(instance), names):
            if name not in had:
                text = f"instance {instance.name} would need a disk {name}"
                raise OpPrereqError(f"{text}: {add_command(instance.name, name)}", ECode.STATE)


async def _check_drbd_helper(op: OpClusterSetParams, view: ClusterView, nodes: NodeReader) -> None:
    """Refuse a program that is not the one which the nodes' kernels call.

    Raises:
        OpPrereqError: names the node; or there are DRBD disks, and no program was given.
    """
    if op.drbd_helper is None:
        return
    if not op.drbd_helper:
        if any(disk.dev_type is DiskTemplate.DRBD for disk in view.disks.values()):
            text = "the drbd helper cannot be unset while there are DRBD disks"
            raise OpPrereqError(text, ECode.INVAL)
        return
    templates = op.enabled_disk_templates or view.cluster.enabled_disk_templates
    if DiskTemplate.DRBD not in templates:
        return
    asked = [node.uuid for node in view.online_nodes() if node.vm_capable]
    for uuid, found in (await nodes.call_all(asked, DrbdHelperCall())).items():
        if found != op.drbd_helper:
            text = f"on node {view.node(uuid).name}: drbd helper is {found}"
            raise OpPrereqError(f"{text}, not {op.drbd_helper}", ECode.ENVIRON)


def changed(cluster: Cluster, op: OpClusterSetParams) -> Cluster:
    """``cluster`` with what ``op`` asks for.

    Raises:
        ParameterError, OpPrereqError: a value is wrong.
    """
    news = {name: value for name in _PLAIN if (value := getattr(op, name)) is not None}
    if op.mac_prefix is not None:
        news["mac_prefix"] = check_mac_prefix(op.mac_prefix)
    news |= storage_fields(op, cluster)
    if op.install_image is not None:
        news["install_image"] = _image(op.install_image)
    news["data_collectors"] = _collectors(cluster.data_collectors, op)
    if op.drbd_helper is not None:
        news["drbd_usermode_helper"] = op.drbd_helper or None
    if op.reserved_lvs is not None:
        news["reserved_lvs"] = tuple(_checked_pattern(one) for one in op.reserved_lvs)
    if op.uid_pool is not None or op.add_uids or op.remove_uids:
        news["uid_pool"] = _uid_pool(cluster.uid_pool, op)
    for name in ("enabled_hypervisors", "enabled_disk_templates"):
        value = getattr(op, name)
        if value is not None:
            news[name] = _enabled(name, value)
    for name in ("hidden_os", "blacklisted_os"):
        changes = getattr(op, name)
        if changes is not None:
            news[name] = _listed(getattr(cluster, name), changes)
    for name, update in _UPDATES.items():
        value = getattr(op, name)
        if value is not None:
            kept = _KEPT_AS.get(name, name)
            news[kept] = update(getattr(cluster, kept), value)
    return msgspec.structs.replace(cluster, **news)


def _uid_pool(old: tuple[UidRange, ...], op: OpClusterSetParams) -> tuple[UidRange, ...]:
    """As Ganeti: set as given, or else what is there with some added and some removed."""
    pool = old if op.uid_pool is None else op.uid_pool
    return without(check_pool((*pool, *(op.add_uids or ()))), op.remove_uids or ())


def _image(given: str) -> str:
    """The place of a disk image.

    Raises:
        OpPrereqError: it is neither a path nor a URL.
    """
    if given and not given.startswith(("/", "http://", "https://", "ftp://")):
        text = f"install image {given!r} is neither an absolute path nor an http or ftp URL"
        raise OpPrereqError(text, ECode.INVAL)
    return given


def _collectors(
    old: Mapping[str, DataCollectorConfig], op: OpClusterSetParams
) -> Mapping[str, DataCollectorConfig]:
    """The monitoring collectors, with some on or off, or at another interval.

    Raises:
        OpPrereqError: there is none of a name, or an interval is no time.
    """
    found = dict(old)
    for field, values in (
        ("active", op.enabled_data_collectors or {}),
        ("interval", op.data_collector_interval or {}),
    ):
        for name, value in values.items():
            if name not in found:
                known = ", ".join(sorted(found))
                text = f"there is no data collector {name!r}, expected one of {known}"
                raise OpPrereqError(text, ECode.INVAL)
            if field == "interval" and value <= 0:
                text = f"interval of data collector {name}: {value} us is not more than none"
                raise OpPrereqError(text, ECode.INVAL)
            found[name] = msgspec.structs.replace(found[name], **{field: value})
    return found


def _checked_pattern(pattern: str) -> str:
    try:
        Pattern(pattern)
    except PatternError as err:
        text = f"reserved_lvs: {pattern!r} is no regular expression: {err}"
        raise OpPrereqError(text, ECode.INVAL) from err
    return pattern


def _enabled(name: str, values: tuple[str, ...]) -> tuple[str, ...]:
    if not values:
        what = name.removeprefix("enabled_").rstrip("s").replace("_", " ")
        raise OpPrereqError(f"at least one {what} must be enabled", ECode.INVAL)
    return tuple(dict.fromkeys(values))


# Any: parameter values are JSON.
Params = Mapping[str, Any]


def _hvparams(old: Params, given: Params) -> Params:
    known = {str(hypervisor) for hypervisor in Hypervisor}
    unknown = sorted(given.keys() - known)
    if unknown:
        expected = ", ".join(sorted(known))
        raise ParameterError(f"there is no hypervisor {unknown[0]!r}, expected one of {expected}")
    return {
        **old,
        **{
            name: updated_cluster_hvparams(Hypervisor(name), old.get(name, {}), values)
            for name, values in given.items()
        },
    }


def _listed(old: tuple[str, ...], changes: OsListChange) -> tuple[str, ...]:
    """``old`` with names added and removed; one that is there already, or is not, is fine."""
    names = dict.fromkeys(old)
    for action, name in changes:
        if action == "add":
            names[name] = None
        else:
            names.pop(name, None)
    return tuple(names)


def _os_hvparams(old: Params, given: Params) -> Params:
    """By OS, then by hypervisor."""
    news = {name: _hvparams(old.get(name, {}), values) for name, values in given.items()}
    return {**old, **news}


def _diskparams(old: DiskParams, given: Params) -> DiskParams:
    news = updated_diskparams(old, given)
    check_complete_diskparams(fill_diskparams(news, {}))
    return news


def _ipolicy(old: Params, given: Params) -> Params:
    news = updated_ipolicy(old, given)
    check_complete_ipolicy(fill_ipolicy(news, {}))
    return news


def _by_default(update: Callable[[Params, Params], Params]) -> Callable[[Params, Params], Params]:
    """Some parameter sets have names, of which only ``default`` is used."""
    return lambda old, given: {**old, _DEFAULT: update(old.get(_DEFAULT, {}), given)}


# What is not set as given but laid over what is there.
# Any: the values are of the parameter's type.
_UPDATES: Final[Mapping[str, Callable[[Any, Params], Any]]] = {
    "beparams": _by_default(updated_beparams),
    "disk_state": updated_disk_state,
    "diskparams": _diskparams,
    "hv_state": updated_hv_state,
    "hvparams": _hvparams,
    "ipolicy": _ipolicy,
    "ndparams": updated_ndparams,
    "nicparams": _by_default(updated_nicparams),
    "os_hvp": _os_hvparams,
    "osparams": updated_osparams,
    "osparams_private_cluster": updated_osparams,
}
# Where the configuration has another name for it.
_KEPT_AS: Final = {"disk_state": "disk_state_static", "hv_state": "hv_state_static"}
# Every other parameter refuses.
BUILT: Final = _COMMON | _PLAIN | _UPDATES.keys() | _CHECKED
