"""Change the cluster's settings: ``gnt-cluster modify``.

Source: gnt-cluster(8) MODIFY; hooks path ``cluster-modify``.
"""

from dataclasses import dataclass
from typing import ClassVar, Final

import msgspec

from pyganeti.master.locks import LockRequest
from pyganeti.master.lu.base import HookContext, LogicalUnit
from pyganeti.master.nodes import NodeReader
from pyganeti.master.run import Run
from pyganeti.model.change import Change
from pyganeti.model.cluster import Cluster
from pyganeti.model.enums import Hypervisor
from pyganeti.model.errors import ECode, OpPrereqError
from pyganeti.model.params.be import updated_beparams
from pyganeti.model.params.hv import updated_cluster_hvparams
from pyganeti.model.params.ipolicy import updated_ipolicy
from pyganeti.model.params.nd import updated_ndparams
from pyganeti.model.params.nic import updated_nicparams
from pyganeti.model.view import ClusterView
from pyganeti.opcodes.cluster import OpClusterSetParams

# Set as given; no node and no other object is concerned.
_PLAIN: Final = frozenset(
    {
        "candidate_pool_size",
        "default_iallocator",
        "default_iallocator_params",
        "enabled_user_shutdown",
        "maintain_node_health",
        "mac_prefix",
        "max_running_jobs",
        "max_tracked_jobs",
        "modify_etc_hosts",
        "prealloc_wipe_disks",
        "compression_tools",
        "reserved_lvs",
    }
)
_UPDATED: Final = frozenset(
    {
        "beparams",
        "enabled_disk_templates",
        "enabled_hypervisors",
        "hvparams",
        "ipolicy",
        "ndparams",
        "nicparams",
        "osparams",
    }
)
_COMMON: Final = frozenset(
    {"dry_run", "debug_level", "priority", "depends", "comment", "reason", "force"}
)
_DEFAULT: Final = "default"


@dataclass(frozen=True, slots=True)
class SetParamsPlan:
    """The request; it is applied to the newest settings."""

    op: OpClusterSetParams


class LUClusterSetParams(LogicalUnit[OpClusterSetParams, SetParamsPlan, None]):
    """Change settings; those that are not built yet refuse."""

    hooks_path: ClassVar[str] = "cluster-modify"

    def declare_locks(self, op: OpClusterSetParams, view: ClusterView) -> LockRequest:
        """The cluster, shared: the change itself is atomic."""
        return LockRequest()

    async def check_prereq(
        self, op: OpClusterSetParams, view: ClusterView, nodes: NodeReader
    ) -> SetParamsPlan:
        """Refuse what is wrong or not built yet.

        Raises:
            OpPrereqError: names the parameter.
        """
        for field in msgspec.structs.fields(type(op)):
            name = field.name
            if name in _COMMON | _PLAIN | _UPDATED or getattr(op, name) is None:
                continue
            raise OpPrereqError(f"changing {name} is not built yet", ECode.STATE)
        _check_in_use(op, view)
        changed(view.cluster, op)
        return SetParamsPlan(op)

    def hooks(self, plan: SetParamsPlan, view: ClusterView) -> HookContext:
        """On the master, before and after."""
        name, master = view.cluster.cluster_name, (view.cluster.master_node,)
        env = {"OP_TARGET": name, "NEW_VG_NAME": plan.op.vg_name or ""}
        return HookContext("CLUSTER", name, env, pre=master, post=master)

    async def execute(self, run: Run, plan: SetParamsPlan) -> None:
        """Record the settings."""

        def change(view: ClusterView) -> Change:
            cluster = changed(view.cluster, plan.op)
            return Change() if cluster == view.cluster else Change(puts=(cluster,))

        async with run.step("record settings"):
            await run.config.commit(change)


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


def changed(cluster: Cluster, op: OpClusterSetParams) -> Cluster:
    """``cluster`` with what ``op`` asks for.

    Raises:
        ParameterError: a value is wrong.
    """
    news: dict[str, object] = {
        name: value for name in _PLAIN if (value := getattr(op, name)) is not None
    }
    if op.enabled_hypervisors is not None:
        news["enabled_hypervisors"] = op.enabled_hypervisors
    if op.enabled_disk_templates is not None:
        news["enabled_disk_templates"] = op.enabled_disk_templates
    if op.hvparams is not None:
        hvparams = {str(key): dict(value) for key, value in cluster.hvparams.items()}
        for name, values in op.hvparams.items():
            old = hvparams.get(name, {})
            hvparams[name] = updated_cluster_hvparams(Hypervisor(name), old, values)
        news["hvparams"] = hvparams
    if op.beparams is not None:
        old_be = cluster.beparams.get(_DEFAULT, {})
        news["beparams"] = {**cluster.beparams, _DEFAULT: updated_beparams(old_be, op.beparams)}
    if op.nicparams is not None:
        old_nic = cluster.nicparams.get(_DEFAULT, {})
        news["nicparams"] = {
            **cluster.nicparams,
            _DEFAULT: updated_nicparams(old_nic, op.nicparams),
        }
    if op.ndparams is not None:
        news["ndparams"] = updated_ndparams(cluster.ndparams, op.ndparams)
    if op.ipolicy is not None:
        news["ipolicy"] = updated_ipolicy(cluster.ipolicy, op.ipolicy)
    if op.osparams is not None:
        news["osparams"] = {
            **cluster.osparams,
            **{
                name: {**cluster.osparams.get(name, {}), **values}
                for name, values in op.osparams.items()
            },
        }
    return msgspec.structs.replace(cluster, **news)
