"""What jobs did, as it is counted outside of all daemons.

    hook scripts on every node, the scripts of an OS -> one line each -> a file

A line is appended by the script itself, so it is there whoever is killed afterwards.
"""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from tests.e2e.load.client import OS
from tests.e2e.vcluster import Cluster

HOOKS = {
    "OP_INSTANCE_CREATE": "instance-add",
    "OP_INSTANCE_STARTUP": "instance-start",
    "OP_INSTANCE_SHUTDOWN": "instance-stop",
    "OP_INSTANCE_REMOVE": "instance-remove",
}
_NAME = "ledger"


@dataclass(frozen=True)
class Effect:
    """A script that ran: where, which, in which phase, for which instance."""

    node: str
    what: str
    phase: str
    instance: str


def _script(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}")
    path.chmod(0o755)


def install(cluster: Cluster) -> None:
    """Give every node the hooks and the OS that count."""
    ledger = cluster.base / _NAME
    for node in cluster.nodes:
        for hook in HOOKS.values():
            for phase in ("pre", "post"):
                line = f"{node} {hook} {phase} $GANETI_OP_TARGET"
                path = cluster.root(node) / f"etc/ganeti/hooks/{hook}-{phase}.d/count"
                _script(path, f'echo "{line}" >> "{ledger}"\n')
    definition = cluster.base / OS
    for name in ("export", "import", "rename"):
        _script(definition / name, "exit 1\n")
    (definition / "ganeti_api_version").write_text("10\n")
    line = f'echo "- {OS} %s $INSTANCE_NAME" >> "{ledger}"\n'
    _script(definition / "create", line % "begin" + "sleep 0.3\n" + line % "end")
    cluster.add_os(definition)


def effects(cluster: Cluster) -> Counter[Effect]:
    """How often what was done."""
    path = cluster.base / _NAME
    lines = path.read_text().splitlines() if path.exists() else []
    return Counter(Effect(*line.split()) for line in lines)
