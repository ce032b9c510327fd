"""Where instances are and how large, as a group check sees it: policies, groups, exclusion tags.

Looks at the configuration only. Source: gnt-cluster(8) VERIFY, INSTANCE POLICIES; hbal(1),
EXCLUSION TAGS.
"""

from collections import defaultdict
from typing import Final

from pyganeti.master.instances.ipolicy import InstanceShape, violations
from pyganeti.master.lu.cluster.findings import Findings
from pyganeti.model.disk import Disk
from pyganeti.model.enums import DiskTemplate
from pyganeti.model.instance import Instance
from pyganeti.model.node import Node
from pyganeti.model.params.ipolicy import FilledIPolicy
from pyganeti.model.templates import INTERNALLY_MIRRORED
from pyganeti.model.verify_codes import VerifyCode
from pyganeti.model.view import ClusterView

_EXCLUSION: Final = "htools:iextags:"


def check_placement(
    findings: Findings, view: ClusterView, instance: Instance, policy: FilledIPolicy
) -> None:
    """Look at one instance, whose group has ``policy``."""
    name = instance.name
    # What the configuration names and has not is told of by its own check.
    disks = [view.disks[uuid] for uuid in instance.disks if uuid in view.disks]
    uuids = (instance.primary_node, *view.secondary_node_uuids(instance))
    nodes = [view.nodes[uuid] for uuid in uuids if uuid in view.nodes]
    template = view.disk_template(instance)
    _check_secondaries(findings, instance, nodes[1:], disks)
    groups = {node.group for node in nodes}
    if len(groups) > 1 and any(disk.dev_type in INTERNALLY_MIRRORED for disk in disks):
        told = "; ".join(f"{view.group_of(node).name}: {node.name}" for node in nodes)
        text = f"instance has primary and secondary nodes in different groups: {told}"
        findings.warning(VerifyCode.EINSTANCESPLITGROUPS, name, text)
    # The policy speaks of templates one by one; which of several would count is not said.
    if template in set(DiskTemplate):
        shape = InstanceShape.of(instance, view, disks, DiskTemplate(template))
        problems = violations(shape, policy)
        if problems:
            findings.warning(VerifyCode.EINSTANCEPOLICY, name, ", ".join(problems))


def _check_secondaries(
    findings: Findings, instance: Instance, secondaries: list[Node], disks: list[Disk]
) -> None:
    if len(secondaries) > 1 and any(disk.dev_type in INTERNALLY_MIRRORED for disk in disks):
        names = ", ".join(node.name for node in secondaries)
        text = f"instance has multiple secondary nodes: {names}"
        findings.warning(VerifyCode.EINSTANCELAYOUT, instance.name, text)
    offline = [node.name for node in secondaries if node.offline]
    if offline:
        text = f"instance has offline secondary node(s) {', '.join(offline)}"
        findings.error(VerifyCode.EINSTANCEBADNODE, instance.name, text)
    unable = [node.name for node in secondaries if not node.vm_capable]
    if unable:
        text = f"instance lives on non-vm_capable node(s) {', '.join(unable)}"
        findings.error(VerifyCode.EINSTANCEBADNODE, instance.name, text)


def check_exclusion_tags(findings: Findings, view: ClusterView, node: Node) -> None:
    """No two instances of a node may have the same tag that begins with an exclusion prefix."""
    tags = view.cluster.tags
    prefixes = [tag.removeprefix(_EXCLUSION) for tag in tags if tag.startswith(_EXCLUSION)]
    if not prefixes:
        return
    owners: defaultdict[str, list[str]] = defaultdict(list)
    for instance in view.primary_instances(node.uuid):
        for tag in instance.tags:
            if any(tag.startswith(f"{prefix}:") for prefix in prefixes):
                owners[tag].append(instance.name)
    for tag, names in sorted(owners.items()):
        if len(names) > 1:
            text = f"exclusion tag {tag} is used by several instances: {', '.join(names)}"
            findings.error(VerifyCode.EEXTAGS, node.name, text)
