"""Files in a group check: have all nodes the same ones, and only candidates the secret ones?

What follows from the configuration is compared with what it should be. Where a node differs it is
asked again, later: news may just be under way. The database of candidates is not looked at
here; a candidate that lacks changes is known to the master at any time.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Final

from pyganeti.kit.paths import Paths
from pyganeti.master.jobs.run import Run
from pyganeti.master.lu.cluster.findings import Findings
from pyganeti.model.errors import GenericError
from pyganeti.model.names import nice_sorted
from pyganeti.model.node import Node
from pyganeti.model.ssconf import ssconf_values
from pyganeti.model.verify_codes import VerifyCode
from pyganeti.model.view import ClusterView
from pyganeti.wire.noderpc.node import NodeVerifyCall
from pyganeti.wire.noderpc.types import NodeVerifyResult

# As on a real node; a virtual one adds its root.
_PATHS: Final = Paths()
# Brought to every node when it joins.
EVERYWHERE: Final = (
    _PATHS.ca_cert,
    _PATHS.domain_secret,
    _PATHS.hmac_key,
    _PATHS.rapi_pem,
)
# Brought by administrators; nodes that have them should have the same.
OPTIONAL: Final = (_PATHS.spice_ca_pem, _PATHS.spice_pem, _PATHS.vnc_password_file)
# They go with the master's role.
CANDIDATES_ONLY: Final = (_PATHS.ca_key, _PATHS.config_file)
# News reach nodes within half a second; a candidate's files are written some seconds later.
_UNDER_WAY_S: Final = 3.0
_ROUNDS: Final = 4


def checked_files() -> tuple[str, ...]:
    """Paths of all files that nodes are asked about, but for those of the configuration."""
    return (*EVERYWHERE, *OPTIONAL, *CANDIDATES_ONLY)


def ssconf_sums(view: ClusterView) -> dict[str, str]:
    """By path, the checksum of each file that follows from the configuration."""
    return {_PATHS.ssconf(key): _sum(value) for key, value in ssconf_values(view).items()}


def _sum(value: str) -> str:
    text = value if not value or value.endswith("\n") else f"{value}\n"
    return hashlib.sha1(text.encode("utf-8"), usedforsecurity=False).hexdigest()


async def check_files(findings: Findings, run: Run, found: dict[str, NodeVerifyResult]) -> None:
    """Compare the files of the nodes that answered, by UUID, among each other."""
    findings.section("Verifying configuration file consistency")
    view = run.config.view
    wanted = ssconf_sums(view)
    for _ in range(_ROUNDS):
        late = [
            one for one, said in found.items() if _is_behind(view, view.node(one), said, wanted)
        ]
        if not late:
            break
        await run.clock.sleep(_UNDER_WAY_S)
        view = run.config.view
        wanted = ssconf_sums(view)
        found = {**found, **await _ask_again(run, late, tuple(wanted))}
    for uuid, one in found.items():
        for path, why in sorted(one.unreadable.items()):
            findings.error(VerifyCode.ENODEFILECHECK, view.node(uuid).name, f"{path}: {why}")
    for text in _faults(view, found, wanted):
        findings.error(VerifyCode.ECLUSTERFILECHECK, "", text)


def _is_behind(
    view: ClusterView, node: Node, found: NodeVerifyResult, wanted: Mapping[str, str]
) -> bool:
    if any(found.checksums.get(path) != checksum for path, checksum in wanted.items()):
        return True
    has = {path for path in CANDIDATES_ONLY if path in found.checksums}
    return has != (set(CANDIDATES_ONLY) if _is_candidate(view, node) else set())


async def _ask_again(
    run: Run, nodes: Iterable[str], paths: tuple[str, ...]
) -> dict[str, NodeVerifyResult]:
    call = NodeVerifyCall(
        cluster_name=run.config.view.cluster.cluster_name, files=(*checked_files(), *paths)
    )
    answers = await run.nodes.call_all(nodes, call)
    # A node that has fallen silent since was well a moment ago; the next check will tell.
    return {uuid: one for uuid, one in answers.items() if not isinstance(one, GenericError)}


def _is_candidate(view: ClusterView, node: Node) -> bool:
    return node.master_candidate or view.is_master(node)


def _faults(
    view: ClusterView, found: Mapping[str, NodeVerifyResult], wanted: Mapping[str, str]
) -> list[str]:
    """What is wrong with files, a line each."""
    answers = {view.node(uuid).name: one for uuid, one in found.items()}
    faults = []
    for path, checksum in wanted.items():
        have = _having(answers, path)
        faults += _absent(path, answers, answers.keys() - have.keys())
        differ = [name for name, mine in have.items() if mine != checksum]
        faults += _named(f"File {path} is not as the configuration says on node(s)", differ)
    for path in (*EVERYWHERE, *OPTIONAL):
        have = _having(answers, path)
        # What no node has is not in use.
        if have and path in EVERYWHERE:
            faults += _absent(path, answers, answers.keys() - have.keys())
        faults += _variants(path, have)
    candidates = {view.node(uuid).name for uuid in found if _is_candidate(view, view.node(uuid))}
    for path in CANDIDATES_ONLY:
        have = _having(answers, path)
        faults += _absent(path, answers, candidates - have.keys()) if have else []
        faults += _named(f"File {path} should not exist on node(s)", have.keys() - candidates)
        # The configuration is written there some seconds after a change, and so differs meanwhile.
        faults += _variants(path, have) if path != _PATHS.config_file else []
    return faults


def _having(answers: Mapping[str, NodeVerifyResult], path: str) -> dict[str, str]:
    """The checksum of ``path`` by name of each node that has it."""
    return {name: one.checksums[path] for name, one in answers.items() if path in one.checksums}


def _absent(path: str, answers: Mapping[str, NodeVerifyResult], names: Iterable[str]) -> list[str]:
    lacking = [name for name in names if path not in answers[name].unreadable]
    return _named(f"File {path} is missing from node(s)", lacking)


def _named(text: str, names: Iterable[str]) -> list[str]:
    told = ", ".join(nice_sorted(names))
    return [f"{text} {told}"] if told else []


def _variants(path: str, have: Mapping[str, str]) -> list[str]:
    """Which nodes have which of several contents."""
    by_sum: defaultdict[str, list[str]] = defaultdict(list)
    for name, checksum in have.items():
        by_sum[checksum].append(name)
    if len(by_sum) < 2:
        return []
    groups = sorted(by_sum.values(), key=len, reverse=True)
    told = "; ".join(
        f"variant {number} on {', '.join(nice_sorted(names))}"
        for number, names in enumerate(groups, 1)
    )
    return [f"File {path} found with {len(groups)} different checksums ({told})"]
