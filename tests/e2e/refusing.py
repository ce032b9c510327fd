"""What a refusal says, and what it must not change."""

import subprocess

from tests.e2e.footprint import Footprint, footprint, records
from tests.e2e.vcluster import Cluster

WEB, OTHER = "web1.example.com", "web2.example.com"
NODE = "node2"
FAILURE, CORRUPT_CONFIG, NOT_CLUSTER, NOT_MASTER, UNKNOWN_FIELD = 1, 2, 5, 11, 14
# What Ganeti, too, prints around the reason.
FRAMES = ("Failure: prerequisites not met", "Failure: command execution error", "error type: ")

State = tuple[Footprint, dict[tuple[str, str], bytes]]


def add_words(*changed: str, name: str = OTHER, disk: str = "size=64m") -> list[str]:
    """Options of an instance that could be created, with ``changed`` after them."""
    words = ["add", "-t", "file", "--disk", f"0:{disk}", "-o", "micro+default", "-n", NODE]
    words += ["-B", "memory=128m", "--ignore-ipolicy", "--no-nics", "--no-start"]
    return [*words, *changed, name]


def state(cluster: Cluster) -> State:
    """All that a refusal must not change: everything but the jobs themselves."""
    kept = {
        key: value for key, value in records(cluster).items() if key[0] in ("config", "journal")
    }
    return footprint(cluster), kept


def reason(done: subprocess.CompletedProcess[str]) -> str:
    """The one line on standard error that says why."""
    assert "Traceback" not in done.stdout + done.stderr
    (line,) = [line for line in done.stderr.splitlines() if not line.startswith(FRAMES)]
    return line
