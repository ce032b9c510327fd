"""One node's answers in a group check: versions, time, hypervisors, directories, programs, keys.

Source: gnt-cluster(8) VERIFY.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from pyganeti.master.lu.cluster.findings import Findings
from pyganeti.master.lu.cluster.verify_certificates import certificate_fault
from pyganeti.master.lu.cluster.verify_question import user_scripts
from pyganeti.model.node import Node
from pyganeti.model.verify_codes import VerifyCode
from pyganeti.model.versions import PROTOCOL_VERSION, RELEASE_VERSION
from pyganeti.model.view import ClusterView
from pyganeti.wire.noderpc.types import NodeVerifyResult

# Beyond this, logs and certificates of two nodes contradict each other.
MAX_CLOCK_SKEW_S: Final = 150.0
# These certificates are the node's own; all others are the same everywhere.
_OWN: Final = ("/server.pem", "/client.pem")


@dataclass(frozen=True, slots=True)
class Asked:
    """When nodes were asked, by the master's clock: all answered between these times."""

    begun: float
    ended: float


def check_node(
    findings: Findings, view: ClusterView, node: Node, found: NodeVerifyResult, asked: Asked
) -> None:
    """Look at all that concerns this node alone."""
    findings.detail(f"Verifying node {node.name} ({view.node_role(node).name.lower()})")
    _check_version(findings, node, found)
    _check_time(findings, node, found, asked)
    _check_hypervisors(findings, node, found)
    _check_directories(findings, view, node, found)
    _check_network(findings, node, found)
    _check_programs(findings, view, node, found)
    for text in found.setup_errors:
        findings.error(VerifyCode.ENODESETUP, node.name, text)
    for other, fault in found.failed_logins.items():
        text = f"ssh communication with node {other!r}: {fault}"
        findings.error(VerifyCode.ENODESSH, node.name, text)
    for owner, count in found.clutter.items():
        text = f"there are {count} ssh keys of {owner} in authorized_keys, not one"
        findings.error(VerifyCode.ENODESSH, node.name, text)
    _check_certificates(findings, view, node, found, asked.begun)


def _check_version(findings: Findings, node: Node, found: NodeVerifyResult) -> None:
    version = found.version
    if version.protocol != PROTOCOL_VERSION:
        text = f"incompatible protocol versions: master {PROTOCOL_VERSION}, node"
        findings.error(VerifyCode.ENODEVERSION, node.name, f"{text} {version.protocol}")
    elif version.release != RELEASE_VERSION:
        text = f"software version mismatch: master {RELEASE_VERSION}, node {version.release}"
        findings.warning(VerifyCode.ENODEVERSION, node.name, text)


def _check_time(findings: Findings, node: Node, found: NodeVerifyResult, asked: Asked) -> None:
    skew = max(asked.begun - found.time, found.time - asked.ended, 0.0)
    if skew > MAX_CLOCK_SKEW_S:
        text = f"node time diverges by at least {skew:.1f}s from master node time"
        findings.error(VerifyCode.ENODETIME, node.name, text)


def _check_hypervisors(findings: Findings, node: Node, found: NodeVerifyResult) -> None:
    for hypervisor, text in found.hypervisor_errors.items():
        findings.error(VerifyCode.ENODEHV, node.name, f"hypervisor {hypervisor}: {text}")
    for source, hypervisor, text in found.hvparam_errors:
        what = f"hypervisor {hypervisor} parameter verify failure (source {source})"
        findings.error(VerifyCode.ENODEHV, node.name, f"{what}: {text}")


def _check_directories(
    findings: Findings, view: ClusterView, node: Node, found: NodeVerifyResult
) -> None:
    codes = {
        view.cluster.gluster_storage_dir: VerifyCode.ENODEGLUSTERSTORAGEPATHUNUSABLE,
        view.cluster.shared_file_storage_dir: VerifyCode.ENODESHAREDFILESTORAGEPATHUNUSABLE,
        view.cluster.file_storage_dir: VerifyCode.ENODEFILESTORAGEPATHUNUSABLE,
    }
    for path, text in found.unusable_storage_dirs.items():
        findings.error(codes[path], node.name, f"directory {path}: {text}")
    for path in found.forbidden_file_storage_paths:
        text = f"file storage directory {path} must not be used"
        findings.error(VerifyCode.ENODEFILESTORAGEPATHS, node.name, text)


def _check_network(findings: Findings, node: Node, found: NodeVerifyResult) -> None:
    for other, text in found.unreachable.items():
        findings.error(VerifyCode.ENODENET, node.name, f"cannot reach node {other}: {text}")
    if found.missing_bridges:
        text = f"missing bridges: {', '.join(found.missing_bridges)}"
        findings.error(VerifyCode.ENODENET, node.name, text)


def _check_programs(
    findings: Findings, view: ClusterView, node: Node, found: NodeVerifyResult
) -> None:
    scripts = set(user_scripts(view))
    missing = [path for path in found.missing_scripts if path in scripts]
    if missing:
        text = f"user scripts not present or not executable: {', '.join(missing)}"
        findings.error(VerifyCode.ENODEUSERSCRIPTS, node.name, text)
    for path in found.missing_scripts:
        if path not in scripts:
            text = f"out-of-band program {path} is not present or not executable"
            findings.error(VerifyCode.ENODEOOBPATH, node.name, text)


def _check_certificates(
    findings: Findings, view: ClusterView, node: Node, found: NodeVerifyResult, now: float
) -> None:
    for state in found.certificates:
        fault = certificate_fault(state, now) if state.path.endswith(_OWN) else None
        if fault is not None:
            text, is_error = fault
            report = findings.error if is_error else findings.warning
            report(VerifyCode.ECLUSTERCLIENTCERT, "", f"node {node.name}: {text}")
    known: Mapping[str, str] = view.cluster.candidate_certs
    is_candidate = node.master_candidate or view.is_master(node)
    if is_candidate and known.get(node.uuid) != found.client_cert_digest:
        text = f"client certificate of node {node.name} is not the one the configuration knows"
        findings.error(VerifyCode.ECLUSTERCLIENTCERT, "", text)
