"""LVM in a group check: volume groups, physical volumes, volumes of nobody.

Source: gnt-cluster(8) VERIFY.
"""

from collections.abc import Mapping
from contextlib import suppress
from fractions import Fraction
from typing import Final

from pyganeti.kit.patterns import Pattern, PatternError, PatternTooSlow
from pyganeti.master.lu.cluster.findings import Findings
from pyganeti.model.node import Node
from pyganeti.model.verify_codes import VerifyCode
from pyganeti.model.view import ClusterView
from pyganeti.wire.noderpc.types import NodeVerifyResult

# For one volume and pattern.
_RESERVED_S: Final = 0.05
# So much physical volumes that are given away whole may differ.
_MARGIN: Final = Fraction(1, 100)


def check_volume_group(findings: Findings, node: Node, found: NodeVerifyResult) -> None:
    """One node's volume group and physical volumes."""
    if found.volume_group_error:
        findings.error(VerifyCode.ENODELVM, node.name, found.volume_group_error)
    for text in found.exclusive_faults:
        findings.error(VerifyCode.ENODELVM, node.name, f"exclusive storage: {text}")


def check_sizes(
    findings: Findings, view: ClusterView, group: str, found: Mapping[str, NodeVerifyResult]
) -> None:
    """A disk must take as many physical volumes on one node of ``group`` as on another."""
    sizes = [(one.pv_sizes, view.node(uuid).name) for uuid, one in found.items() if one.pv_sizes]
    if not sizes:
        return
    small, first = min((low, name) for (low, _high), name in sizes)
    large, last = max((high, name) for (_low, high), name in sizes)
    if large * (1 - _MARGIN) > small:
        text = "PV sizes differ too much in the group; smallest"
        text = f"{text} ({small} MiB) is on {first}, biggest ({large} MiB) is on {last}"
        findings.error(VerifyCode.EGROUPDIFFERENTPVSIZE, view.group(group).name, text)


def check_orphan_volumes(
    findings: Findings, view: ClusterView, found: Mapping[str, NodeVerifyResult]
) -> None:
    """Volumes that are no disk's, and not reserved by the administrator either."""
    findings.section("Verifying orphan volumes")
    reserved = _reserved(view)
    for uuid, one in found.items():
        known = view.volumes_on(uuid) if one.volumes else frozenset()
        for volume in one.volumes:
            place = f"{volume.group}/{volume.name}"
            if (volume.group, volume.name) in known or _is_reserved(place, reserved):
                continue
            text = f"volume {place} is unknown"
            findings.error(VerifyCode.ENODEORPHANLV, view.node(uuid).name, text)


def _reserved(view: ClusterView) -> list[Pattern]:
    """What administrators keep for other uses; one that was never a pattern matches nothing."""
    found = []
    for text in view.cluster.reserved_lvs:
        with suppress(PatternError):
            found.append(Pattern(text))
    return found


def _is_reserved(volume: str, reserved: list[Pattern]) -> bool:
    """Whether one of the patterns is that of ``GROUP/VOLUME``; one that takes too long is not."""
    for pattern in reserved:
        with suppress(PatternTooSlow):
            if pattern.matches_all(volume, _RESERVED_S):
                return True
    return False
