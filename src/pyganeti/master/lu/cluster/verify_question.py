"""What a group check asks each of its nodes. Pure."""

from collections.abc import Iterator
from typing import Any, Final

from pyganeti.kit.paths import Paths
from pyganeti.master.lu.cluster.verify_files import checked_files, ssconf_sums
from pyganeti.master.nodes import NODED_PORT
from pyganeti.model.enums import DiskTemplate, Hypervisor
from pyganeti.model.node import Node
from pyganeti.model.params.hv import DEFAULTS
from pyganeti.model.templates import LVM
from pyganeti.model.view import ClusterView
from pyganeti.opcodes.cluster import OpClusterVerifyGroup
from pyganeti.wire.noderpc.node import NodeVerifyCall

# As on a real node; a virtual one adds its root.
MASTER_IP_SCRIPT: Final = f"{Paths().conf_dir}/scripts/master-ip-setup"
_BRIDGED: Final = "bridged"


class Questions:
    """The calls of one check; what is the same for all nodes of the group is computed once."""

    def __init__(self, view: ClusterView, op: OpClusterVerifyGroup, group: str) -> None:
        self._view = view
        self._files = (*checked_files(), *ssconf_sums(view))
        names = tuple(node.name for node in view.all_nodes())
        self._clutter = names if op.verify_clutter else ()
        self._hypervisors = {
            str(name): {**DEFAULTS[name], **view.cluster.hvparams.get(name, {})}
            for name in view.cluster.enabled_hypervisors
        }
        self._hvparams = (*self._of_cluster(), *self._of_instances(group))
        self._bridges = tuple(sorted(self._used_bridges(group)))
        self._groups = _logins_by_group(view)

    # Any: values of parameters.

    def _of_cluster(self) -> Iterator[tuple[str, str, dict[str, Any]]]:
        for name, params in self._hypervisors.items():
            yield "cluster", name, params
        for os_name, by_hypervisor in self._view.cluster.os_hvp.items():
            for name, own in by_hypervisor.items():
                if name in self._hypervisors:
                    yield f"os {os_name}", str(name), {**self._hypervisors[name], **own}

    def _of_instances(self, group: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
        for instance in self._view.instances_of_group(group):
            if instance.hvparams and not instance.forthcoming:
                filled = self._view.filled_hvparams(instance)
                yield f"instance {instance.name}", str(instance.hypervisor), filled

    def _used_bridges(self, group: str) -> set[str]:
        """Those that guests of the group are connected to; fake ones have no interfaces."""
        view = self._view
        return {
            params.link
            for instance in view.instances_of_group(group)
            if instance.hypervisor is not Hypervisor.FAKE and not instance.forthcoming
            for params in map(view.filled_nicparams, instance.nics)
            if params.mode == _BRIDGED
        }

    def of(self, node: Node) -> NodeVerifyCall:
        """The call to one node; of one that cannot have instances, little is asked."""
        view, cluster = self._view, self._view.cluster
        templates, able = set(cluster.enabled_disk_templates), node.vm_capable
        directories = {
            DiskTemplate.FILE: cluster.file_storage_dir,
            DiskTemplate.SHAREDFILE: cluster.shared_file_storage_dir,
            DiskTemplate.GLUSTER: cluster.gluster_storage_dir,
        }
        dirs = tuple(path for kind, path in directories.items() if path and kind in templates)
        return NodeVerifyCall(
            cluster_name=cluster.cluster_name,
            hypervisors=self._hypervisors if able else {},
            hvparams=self._hvparams if able else (),
            files=self._files,
            bridges=self._bridges if able else (),
            storage_dirs=dirs if able else (),
            check_storage_paths=able and bool(dirs),
            reach=_others(view, node) if view.is_master(node) else {},
            logins=self._logins(node),
            user_scripts=(*user_scripts(view), *oob_programs(view, node)),
            oses=able,
            node_setup=True,
            drbd=able and DiskTemplate.DRBD in templates,
            exclusive_pvs=view.filled_ndparams(node).exclusive_storage,
            vg_name=cluster.volume_group_name if able and LVM & templates else None,
            certificates=True,
            clutter=self._clutter,
        )

    def _logins(self, node: Node) -> dict[str, int]:
        """Those of its group, and one of each other, a different one for each node as they go.

        Candidates only: whether other nodes have keys of their own is the site's business, and so
        is all of ssh on a cluster founded with ``--no-ssh-init``.
        """
        is_ours = self._view.cluster.modify_ssh_setup and node.master_candidate
        if not is_ours or node.group not in self._groups:
            return {}
        own = self._groups[node.group]
        found = {name: port for name, port in own if name != node.name}
        turn = next((n for n, (name, _port) in enumerate(own) if name == node.name), 0)
        for group, others in self._groups.items():
            if group != node.group:
                name, port = others[turn % len(others)]
                found[name] = port
        return found


def _logins_by_group(view: ClusterView) -> dict[str, list[tuple[str, int]]]:
    """Names and ssh ports of the nodes of each group that are online, by name."""
    found: dict[str, list[tuple[str, int]]] = {}
    for node in sorted(view.online_nodes(), key=lambda one: one.name):
        port = view.filled_ndparams(node).ssh_port
        found.setdefault(node.group, []).append((node.name, port))
    return found


def user_scripts(view: ClusterView) -> tuple[str, ...]:
    """Programs of the site that every node must have."""
    return (MASTER_IP_SCRIPT,) if view.cluster.use_external_mip_script else ()


def oob_programs(view: ClusterView, node: Node) -> tuple[str, ...]:
    """Out-of-band programs that ``node`` may have to run, now or as the master."""
    if not (node.master_candidate or view.is_master(node)):
        return ()
    found = {view.filled_ndparams(one).oob_program for one in view.all_nodes()}
    return tuple(sorted(found - {""}))


def _others(view: ClusterView, node: Node) -> dict[str, tuple[str, int]]:
    return {
        other.name: (other.primary_ip, NODED_PORT)
        for other in view.online_nodes()
        if other.uuid != node.uuid
    }
