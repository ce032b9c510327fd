"""Instances that a new instance policy of the cluster does not admit any more: named, not refused.

Source: gnt-cluster(8) MODIFY.
"""

from collections.abc import Iterator

from pyganeti.master.lu.group.settings import newly_violating
from pyganeti.model.change import Change
from pyganeti.model.cluster import Cluster
from pyganeti.model.view import ClusterView


def policy_warnings(view: ClusterView, cluster: Cluster) -> Iterator[str]:
    """A line for each node group of ``view`` that has such instances under the new ``cluster``."""
    if cluster.ipolicy == view.cluster.ipolicy:
        return
    after = view.apply(Change(puts=(cluster,)))
    for group in view.all_groups():
        policies = view.ipolicy(group), after.ipolicy(group)
        names = newly_violating(view.instances_of_group(group.uuid), *policies, view)
        if names:
            text = f"the new instance policy does not admit instances {', '.join(names)}"
            yield f"Warning: {text} of node group {group.name}"
