"""The values every node keeps in its ``ssconf_*`` files, computed from a snapshot.

The master sends those that changed to all nodes. Source: the 34 ssconf keys of Ganeti 3.1.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from .enums import Hypervisor
from .names import nice_sorted
from .params import hv
from .params.kinds import filled
from .uid_pool import format_range
from .versions import RELEASE_VERSION
from .view import ClusterView

FILE_PREFIX: Final = "ssconf_"
FILE_MODE: Final = 0o444


def _lines(items: Iterable[str]) -> str:
    return "\n".join(items)


def ssconf_values(view: ClusterView) -> dict[str, str]:
    """Every key with its value; lines are separated by a newline, the last has none."""
    return dict(sorted({**_cluster_values(view), **_node_values(view), **_hvparams(view)}.items()))


def changed_values(old: Mapping[str, str], new: Mapping[str, str]) -> dict[str, str]:
    """What of ``new`` has to be sent to nodes that have ``old``."""
    return {key: value for key, value in new.items() if old.get(key) != value}


def _cluster_values(view: ClusterView) -> dict[str, str]:
    cluster = view.cluster
    return {
        "cluster_name": cluster.cluster_name,
        "cluster_tags": _lines(sorted(cluster.tags)),
        "enabled_user_shutdown": str(cluster.enabled_user_shutdown),
        "file_storage_dir": cluster.file_storage_dir,
        "gluster_storage_dir": cluster.gluster_storage_dir,
        "hypervisor_list": _lines(cluster.enabled_hypervisors),
        "instance_list": _lines(i.name for i in view.all_instances() if not i.forthcoming),
        "maintain_node_health": str(cluster.maintain_node_health),
        "master_candidates_certs": _lines(
            f"{uuid}={digest}" for uuid, digest in sorted(cluster.candidate_certs.items())
        ),
        "master_ip": cluster.master_ip,
        "master_netdev": cluster.master_netdev,
        "master_netmask": str(cluster.master_netmask),
        "networks": _lines(f"{n.uuid} {n.name}" for n in view.all_networks()),
        "nodegroups": _lines(f"{g.uuid} {g.name}" for g in view.all_groups()),
        "primary_ip_family": str(cluster.primary_ip_family),
        "release_version": RELEASE_VERSION,
        "shared_file_storage_dir": cluster.shared_file_storage_dir,
        "uid_pool": _lines(format_range(first, last) for first, last in cluster.uid_pool),
    }


def _node_values(view: ClusterView) -> dict[str, str]:
    nodes, candidates = view.all_nodes(), view.master_candidates()
    return {
        "master_candidates": _lines(node.name for node in candidates),
        "master_candidates_ips": _lines(node.primary_ip for node in candidates),
        "master_node": view.master_node.name,
        "node_list": _lines(node.name for node in nodes),
        "node_primary_ips": _lines(f"{node.name} {node.primary_ip}" for node in nodes),
        "node_secondary_ips": _lines(f"{node.name} {node.secondary_ip}" for node in nodes),
        "node_vm_capable": _lines(f"{node.name}={node.vm_capable}" for node in nodes),
        "offline_nodes": _lines(node.name for node in nodes if node.offline),
        "online_nodes": _lines(node.name for node in nodes if not node.offline),
        "ssh_ports": _lines(f"{n.name}={view.filled_ndparams(n).ssh_port}" for n in nodes),
    }


def _hvparams(view: ClusterView) -> dict[str, str]:
    result = {}
    for kind in Hypervisor:
        values = filled(hv.DEFAULTS[kind], view.cluster.hvparams.get(kind, {}))
        lines = (f"{name}={values[name]}" for name in nice_sorted(values))
        result[f"hvparams_{kind}"] = _lines(lines)
    return result
