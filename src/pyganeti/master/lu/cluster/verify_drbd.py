"""DRBD's part of a group check: helper program, versions, minors. Source: gnt-cluster(8) VERIFY."""

from collections.abc import Mapping

from pyganeti.master.lu.cluster.findings import Findings
from pyganeti.model.node import Node
from pyganeti.model.verify_codes import VerifyCode
from pyganeti.model.view import ClusterView
from pyganeti.wire.noderpc.types import (
    DrbdInfo,
    NodeVerifyResult,
)


def check_drbd(
    findings: Findings, view: ClusterView, found: Mapping[str, NodeVerifyResult]
) -> None:
    """Look at what the nodes that were asked, by UUID, say of their DRBD."""
    infos = [(view.node(uuid), one.drbd) for uuid, one in found.items() if one.drbd is not None]
    for node, info in infos:
        _check_helper(findings, view, node, info)
        if not info.error:
            _check_minors(findings, view, node, info)
    versions = {node.name: info.version for node, info in infos if info.version}
    if len(set(versions.values())) > 1:
        for name, version in versions.items():
            text = f"DRBD version {version} differs within the node group"
            findings.error(VerifyCode.ENODEDRBDVERSION, name, text)


def _check_helper(findings: Findings, view: ClusterView, node: Node, info: DrbdInfo) -> None:
    wanted, code = view.cluster.drbd_usermode_helper, VerifyCode.ENODEDRBDHELPER
    if info.error:
        text = f"drbd usermode helper check unsuccessful: {info.error}"
        findings.error(code, node.name, text)
    elif wanted and info.helper != wanted:
        findings.error(code, node.name, f"wrong drbd usermode helper: {info.helper}")


def _check_minors(findings: Findings, view: ClusterView, node: Node, info: DrbdInfo) -> None:
    """Those of active disks must be in use, and no other ones."""
    known = view.used_minors(node.uuid)
    for minor, disk in sorted(known.items()):
        owner = view.owner_of_disk(disk.uuid)
        if owner is not None and owner.disks_active and minor not in info.minors:
            text = f"drbd minor {minor} of instance {owner.name} is not active"
            findings.error(VerifyCode.ENODEDRBD, node.name, text)
    for minor in info.minors:
        if minor not in known:
            text = f"unallocated drbd minor {minor} is in use"
            findings.error(VerifyCode.ENODEDRBD, node.name, text)
