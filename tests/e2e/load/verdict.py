"""Whether each job did what its end says: once, wholly or not at all.

jobs in their order -> what scripts may have run, what must be there now
ledger, configuration, files, guests -> compared with it
"""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.e2e.footprint import objects
from tests.e2e.load.book import Job
from tests.e2e.load.client import OS
from tests.e2e.load.ledger import HOOKS, Effect, effects
from tests.e2e.vcluster import Cluster

_CREATE = "OP_INSTANCE_CREATE"


@dataclass(frozen=True)
class Done:
    """An opcode, and how it ended.

    Attributes:
        input: its parameters. Any: JSON.
        began: whether it may have done anything.
        log: what it told.
    """

    job: int
    input: dict[str, Any]
    succeeded: bool
    began: bool
    log: str

    @property
    def op_id(self) -> str:
        """Which operation."""
        return str(self.input["OP_ID"])

    @property
    def instance(self) -> str | None:
        """The instance it is about, if it is about one."""
        if self.op_id == "OP_TAGS_SET" and self.input["kind"] == "instance":
            return str(self.input["name"])
        return self.input.get("instance_name")


def all_done(jobs: Mapping[int, Job]) -> list[Done]:
    """The opcodes of all jobs. Those on one instance come in the order in which they ran."""
    return [done for number in sorted(jobs) for done in _of_job(number, jobs[number])]


def _of_job(number: int, job: Job) -> Iterator[Done]:
    failed = False
    for op in job["ops"]:
        succeeded = op["status"] == "success"
        refused = not succeeded and op["result"][0] == "OpPrereqError"
        log = "\n".join(str(message) for *_, message in op["log"])
        yield Done(number, op["input"], succeeded, not (failed or refused), log)
        failed = failed or not succeeded


def check_effects(
    cluster: Cluster, done: Sequence[Done], masters: Sequence[str], alone: Collection[str] = ()
) -> None:
    """Scripts ran once for what succeeded, at most once for what failed, and for nothing else.

    Where the master was another node in between, hooks ran on any of ``masters``. What a master
    that was cut off did on nodes of its own side, ``alone``, nobody could keep it from.
    """
    homes = {op.instance: op.input["pnode"] for op in done if op.op_id == _CREATE}
    most: dict[Effect, int] = {}
    found = effects(cluster)
    for op in done:
        for effect, is_certain in _effects_of(op, str(homes.get(op.instance)), masters):
            most[effect] = 1 if op.began else 0
            if op.succeeded and is_certain and not _is_said_unknown(effect, op.log):
                assert found[effect] > 0, f"job {op.job} succeeded without {effect}"
    wrong = {
        effect: count
        for effect, count in found.items()
        if count > most.get(effect, 0) and effect.node not in alone
    }
    assert not wrong, f"done more often than any job was to do it: {wrong}"


def _is_said_unknown(effect: Effect, log: str) -> bool:
    """Whether the job's log says that nobody knows whether this ran."""
    not_answered = f"hooks could not be run on {effect.node}" in log
    return not_answered or (effect.phase == "post" and "not run again" in log)


def _effects_of(op: Done, home: str, masters: Sequence[str]) -> Iterator[tuple[Effect, bool]]:
    """What the scripts of ``op`` write when each runs once, and whether they run for certain."""
    hook, name = HOOKS.get(op.op_id), op.instance or ""
    if hook is None:
        return
    for node in {*masters, home}:
        is_certain = masters == [node]
        # An instance's own node has nothing to prepare for its removal.
        if node in masters or op.op_id != "OP_INSTANCE_REMOVE":
            prepared = is_certain or (node == home and op.op_id != "OP_INSTANCE_REMOVE")
            yield Effect(node, hook, "pre", name), prepared
        yield Effect(node, hook, "post", name), is_certain or node == home
    if op.op_id == _CREATE and op.input["disks"]:
        for phase in ("begin", "end"):
            yield Effect("-", OS, phase, name), True


@dataclass
class Fate:
    """What must be so of an instance; ``None``: either."""

    exists: bool | None = False
    running: bool | None = False
    tagged: bool | None = False
    disks: int = 0
    repeat: dict[str, Any] | None = None  # Any: an opcode

    def take(self, op: Done) -> None:
        """``op`` came next."""
        if not op.began:
            return
        self.repeat = None if op.succeeded or op.op_id == _CREATE else op.input
        match op.op_id, op.succeeded:
            case ("OP_INSTANCE_CREATE", True):
                self.exists, self.running = True, op.input["start"]
                self.disks = len(op.input["disks"])
            case ("OP_INSTANCE_STARTUP", True):
                self.running = True
            case ("OP_INSTANCE_SHUTDOWN", succeeded):
                # Half of it is nearer to what was asked for: not undone.
                self.running = False if succeeded else None
            case ("OP_INSTANCE_REMOVE", True):
                self.exists = self.running = self.tagged = False
            case ("OP_INSTANCE_REMOVE", False):
                self.exists = self.running = self.tagged = None
            case ("OP_TAGS_SET", True):
                self.tagged = True


def fates(done: Sequence[Done]) -> dict[str, Fate]:
    """What must be so of each instance, by name."""
    found: dict[str, Fate] = {}
    for op in done:
        if op.instance is not None:
            found.setdefault(op.instance, Fate()).take(op)
    return found


def to_repeat(cluster: Cluster, done: Sequence[Done]) -> list[dict[str, Any]]:
    """Operations without undo that ended half-way, as whoever asked for them would repeat them."""
    names = _instances(cluster)
    return [
        {key: value for key, value in fate.repeat.items() if key not in ("comment", "depends")}
        for name, fate in fates(done).items()
        if fate.repeat is not None and name in names
    ]


def to_start(cluster: Cluster) -> list[dict[str, Any]]:
    """What the watcher would do for instances that went down with their nodes."""
    return [
        {"OP_ID": "OP_INSTANCE_STARTUP", "instance_name": name}
        for name, item in _instances(cluster).items()
        if item["admin_state"] == "up"
    ]


# Any: config objects as JSON.
def _instances(cluster: Cluster) -> dict[str, Any]:
    found = [json.loads(data) for key, data in objects(cluster).items() if "instance/" in key]
    return {item["name"]: item for item in found}


def check_state(cluster: Cluster, done: Sequence[Done]) -> None:
    """Configuration, guests and disks are what the jobs' ends say."""
    instances = _instances(cluster)
    guests = _names(cluster, "var/run/ganeti/fake-hypervisor/*")
    directories = _names(cluster, "srv/ganeti/file-storage/*")
    for name, fate in fates(done).items():
        item = instances.pop(name, None)
        _agree(name, "exists", fate.exists, item is not None)
        _agree(name, "running", fate.running, name in guests)
        if item is not None:
            _agree(name, "tagged", fate.tagged, bool(item["tags"]))
        wanted = None if fate.exists is None else fate.exists and fate.disks > 0
        _agree(name, "disks", wanted, name in directories)
    assert not instances, f"instances that no job made: {sorted(instances)}"
    _check_cluster_tags(cluster, done)


def _agree(name: str, what: str, wanted: bool | None, found: bool) -> None:
    assert wanted is None or found == wanted, f"{name}: {what}: {found}, wanted {wanted}"


def _names(cluster: Cluster, pattern: str) -> set[str]:
    return {path.name for path in cluster.base.glob(f"node*/{pattern}")}


def _check_cluster_tags(cluster: Cluster, done: Sequence[Done]) -> None:
    setting = [op for op in done if op.op_id == "OP_TAGS_SET" and op.input["kind"] == "cluster"]
    wanted = {tag for op in setting if op.succeeded for tag in op.input["tags"]}
    # They are not locked, so that one that was set is not taken back (lu/tags/tags.py).
    possible = {tag for op in setting if op.began for tag in op.input["tags"]}
    (item,) = [json.loads(data) for key, data in objects(cluster).items() if "cluster/" in key]
    found = set(item["tags"])
    assert wanted <= found, f"tags that are missing: {wanted - found}"
    assert found <= possible, f"tags that no job set: {found - possible}"
