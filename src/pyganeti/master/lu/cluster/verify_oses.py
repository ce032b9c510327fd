"""OS definitions in a group check: usable, and the same on all nodes. Source: gnt-cluster(8)."""

from collections import Counter
from collections.abc import Iterator, Mapping

from pyganeti.master.lu.cluster.findings import Findings
from pyganeti.model.node import Node
from pyganeti.model.verify_codes import VerifyCode
from pyganeti.model.view import ClusterView
from pyganeti.wire.noderpc.types import NodeVerifyResult, OsInfo


def check_oses(
    findings: Findings, view: ClusterView, found: Mapping[str, NodeVerifyResult]
) -> None:
    """Compare the definitions of nodes that can have instances with those of the first of them."""
    able = [view.node(uuid) for uuid in found if view.node(uuid).vm_capable]
    base: tuple[Node, dict[str, OsInfo]] | None = None
    for node in able:
        oses = found[node.uuid].oses
        for text in _own_faults(oses):
            findings.error(VerifyCode.ENODEOS, node.name, text)
        # The first on the search path is the one that counts.
        effective = {one.name: one for one in reversed(oses)}
        if base is None:
            base = (node, effective)
            continue
        for text in _differences(effective, base[1], base[0].name):
            findings.error(VerifyCode.ENODEOS, node.name, text)


def _own_faults(oses: tuple[OsInfo, ...]) -> Iterator[str]:
    for one in oses:
        if not one.valid:
            yield f"Invalid OS {one.name} (located at {one.path}): {one.status}"
    for name, count in Counter(one.name for one in oses).items():
        if count > 1:
            hidden = ", ".join([one.path for one in oses if one.name == name][1:])
            yield f"OS {name} has several definitions, the first hides the rest: {hidden}"


def _differences(
    mine: Mapping[str, OsInfo], base: Mapping[str, OsInfo], reference: str
) -> Iterator[str]:
    for name, one in sorted(mine.items()):
        if name not in base:
            yield f"Extra OS {name} not present on reference node {reference}"
        elif one.valid and base[name].valid:
            yield from _of_one(one, base[name], reference)
    missing = sorted(base.keys() - mine.keys())
    if missing:
        text = f"OSes present on reference node {reference} but missing on this node"
        yield f"{text}: {', '.join(missing)}"


def _of_one(mine: OsInfo, base: OsInfo, reference: str) -> Iterator[str]:
    pairs = (
        ("API version", mine.api_versions, base.api_versions),
        ("variants list", mine.variants, base.variants),
        (
            "parameters",
            [(one.name, one.doc) for one in mine.parameters],
            [(one.name, one.doc) for one in base.parameters],
        ),
    )
    for kind, here, there in pairs:
        if sorted(here) != sorted(there):
            text = f"OS {kind} for {mine.name} differs from reference node {reference}"
            yield f"{text}: [{_shown(here)}] vs. [{_shown(there)}]"


def _shown(values: object) -> str:
    if not isinstance(values, list | tuple):
        return str(values)
    return ", ".join(": ".join(one) if isinstance(one, tuple) else str(one) for one in values)
