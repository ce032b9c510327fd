"""Exclusive storage as a group check sees it: templates and disks that do not go with it."""

from pyganeti.master.instances.specs import has_spindles
from pyganeti.master.lu.cluster.findings import Findings
from pyganeti.model.enums import DiskTemplate
from pyganeti.model.instance import Instance
from pyganeti.model.node import Node
from pyganeti.model.templates import EXCLUSIVE_STORAGE, LVM
from pyganeti.model.verify_codes import VerifyCode
from pyganeti.model.view import ClusterView


def check_spindles(
    findings: Findings, view: ClusterView, instance: Instance, primary: Node
) -> None:
    """An instance must not share physical volumes where others have them for themselves."""
    template = DiskTemplate(view.disk_template(instance))
    if template in LVM - EXCLUSIVE_STORAGE:
        nodes = [
            node.name
            for node in view.instance_nodes(instance)
            if view.filled_ndparams(node).exclusive_storage
        ]
        if nodes:
            text = f"instance has template {template}, which is not supported on nodes"
            text = f"{text} that have exclusive storage: {', '.join(nodes)}"
            findings.error(VerifyCode.EINSTANCEUNSUITABLENODE, instance.name, text)
    if not has_spindles(template, primary, view):
        return
    for disk in view.disks_of(instance):
        if disk.spindles is None:
            text = f"number of spindles of {disk.iv_name} is not known"
            text = f"{text}, although node {primary.name} has exclusive storage"
            findings.error(VerifyCode.EINSTANCEMISSINGCFGPARAMETER, instance.name, text)
