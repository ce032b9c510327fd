"""A cluster for upgrades: what each command of one does to nodes that are plain values.

    Upgrade -> run, run_all -> links, daemons, config.data and database -> check what is left

Every command can be made to fail, or to be the last one of a process, before or after its effect.
"""

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

from pyganeti.cli.upgrading.phases import Upgrade
from pyganeti.cli.upgrading.site import NodeFailed
from pyganeti.kit.paths import Paths

OLD, NEW = "3.1", "3.2"
NODES: Final = ("node1", "node2", "node3")
MASTER: Final = NODES[0]


class Killed(BaseException):
    """The process that upgrades has ended, as by ``kill -9``."""


def config_number(version: str) -> int:
    """The version of a configuration that ``version`` writes."""
    major, minor = map(int, version.split("."))
    return major * 1_000_000 + minor * 10_000


class Nodes:
    """Three nodes that work with ``current``; see :class:`~pyganeti.cli.upgrading.site.Site`.

    Args:
        place: a directory for the master's files.
        current: the version that they work with.
    """

    def __init__(self, place: Path, current: str = OLD) -> None:
        self.paths = Paths(str(place / MASTER), MASTER)
        Path(self.paths.data_dir).mkdir(parents=True)
        Path(self.paths.versions_dir).mkdir(parents=True)
        self.master = MASTER
        self.others: tuple[str, ...] = NODES[1:]
        self.offline: tuple[str, ...] = ()
        self.installed = {node: {OLD: f"{OLD}.0", NEW: f"{NEW}.0"} for node in NODES}
        self.link = dict.fromkeys(NODES, current)
        self.daemons: dict[str, str | None] = dict.fromkeys(NODES, current)
        # Version and number of changes made; the file is behind while a daemon works.
        self.database = (current, 7)
        self._write((current, 6))
        self.drained = self.paused = False
        self.jobs = 2
        self.interrupted_jobs = False
        self.backups: list[str] = []
        self.said: list[str] = []
        self.commands: list[tuple[str, ...]] = []
        self.faults: dict[int, Callable[[Callable[[], str]], str]] = {}
        self._is_dead = False

    def upgrade(self, release: str) -> Upgrade:
        """A command of ``release`` that has just been started."""
        self._is_dead = False
        return Upgrade(
            self, self.paths, release, tell=self.said.append, sleep=lambda _: self._end_job(),
            is_at_work=lambda pid: pid == 4711, stamp="now",
        )  # fmt: skip

    def run(self, node: str, *words: str) -> str:
        """As :class:`~pyganeti.cli.upgrading.site.Site` says."""
        if self._is_dead:
            raise Killed
        self.commands.append((node, *words))
        fault = self.faults.pop(len(self.commands), None)
        if fault is None:
            return self._do(node, words)
        return fault(lambda: self._do(node, words))

    def run_all(self, nodes: Iterable[str], *words: str) -> dict[str, str | NodeFailed]:
        """As :class:`~pyganeti.cli.upgrading.site.Site` says."""
        found: dict[str, str | NodeFailed] = {}
        for node in nodes:
            try:
                found[node] = self.run(node, *words)
            except NodeFailed as failed:
                found[node] = failed
        return found

    def kill(self, do: Callable[[], str], *, after: bool) -> str:
        """A fault: the process ends."""
        if after:
            do()
        self._is_dead = True
        raise Killed

    def fail(self, do: Callable[[], str], *, after: bool) -> str:
        """A fault: the command does nothing, or its answer is lost."""
        if after:
            do()
        raise NodeFailed("somewhere", "no answer")

    @property
    def file(self) -> tuple[str, int]:
        """What config.data holds: version and number of changes."""
        value = json.loads(Path(self.paths.config_file).read_text())
        return f"{value['version'] // 1000000}.{value['version'] // 10000 % 100}", value["changes"]

    def _write(self, content: tuple[str, int]) -> None:
        value = {"version": config_number(content[0]), "changes": content[1]}
        Path(self.paths.config_file).write_text(json.dumps(value))

    def _end_job(self) -> None:
        self.jobs -= 1

    def _do(self, node: str, words: tuple[str, ...]) -> str:
        if words[0] == "ln":
            self.link[node] = words[2].rpartition("/")[2]
            return ""
        if words[0] == "sh":
            self.backups.append(self.file[0])
            return ""
        directory, _, program = words[0].rpartition("/bin/")
        version = directory.rpartition("/")[2]
        version = self.link[node] if directory == self.paths.version_link else version
        if version not in self.installed[node]:
            raise NodeFailed(node, f"no {version}")
        action: Callable[..., str] = getattr(self, f"_{program.replace('-', '_')}")
        return action(node, version, *words[1:])

    def _must(self, condition: bool, text: str) -> None:
        if not condition:
            raise NodeFailed(MASTER, text)

    def _speak(self, version: str) -> None:
        found = self.daemons[MASTER]
        self._must(found == version, f"LUXI version {version}, the master's is {found}")

    def _gnt_cluster(self, node: str, version: str, *words: str) -> str:
        if words == ("--version",):
            return f"gnt-cluster (ganeti pyganeti) {self.installed[node][version]}\n"
        self._speak(version)
        if words[0] == "queue":
            self.drained = words[1] == "drain"
        elif words[0] == "watcher":
            self.paused = words[1] == "pause"
        elif words[0] == "redist-conf":
            self._must(not self.drained, "the queue is drained")
        else:
            assert words == ("verify",)
            others = {self.daemons[node] for node in self.others}
            self._must(others == {version}, "ENODEVERSION")
        return ""

    def _gnt_job(self, _node: str, version: str, *_words: str) -> str:
        self._speak(version)
        assert self.drained
        return "12\n" if self.jobs else ""

    def _daemon_util(self, node: str, version: str, action: str, *_words: str) -> str:
        if action == "check":
            self._must(self.daemons[node] is not None, "does not run")
        elif action == "stop-all":
            if node == MASTER and self.daemons[node] is not None:
                self.interrupted_jobs |= bool(self.jobs)
                self._write(self.database)
            self.daemons[node] = None
        elif self.daemons[node] is None:
            if node == MASTER:
                self._must(self.file == self.database, "config.data was edited")
                self._must(self.database[0] == version, "configuration of another version")
            self.daemons[node] = version
        return ""

    def _cfgupgrade(self, _node: str, version: str, *words: str) -> str:
        found, changes = self.file
        assert {self.daemons[node] for node in (MASTER, *self.others)} == {None}, "daemons run"
        self._must(found <= version, f"cannot read {found}")
        if "--downgrade" in words:
            self._must((found, version) == (NEW, NEW), f"cannot downgrade {found}")
            version = OLD
        self._write((version, changes))
        return ""

    def _ganeti_masterd(self, _node: str, version: str, action: str) -> str:
        assert self.daemons[MASTER] is None
        if action == "--take-config-file":
            self._must(self.file[0] == version, "cannot read config.data")
            self.database = self.file
        else:
            self._must(self.database[0] == version, "cannot read the database")
            self._write(self.database)
        return ""

    def _post_upgrade(self, _node: str, version: str, *_words: str) -> str:
        self._speak(version)
        return ""

    def check(self, version: str) -> None:
        """All of it works with that version, and nothing is left or lost."""
        assert set(self.link.values()) == {version}
        assert set(self.daemons.values()) == {version}
        assert self.database == (version, 7)
        assert self.file[0] == version
        assert (self.drained, self.paused) == (False, False)
        assert not Path(self.paths.upgrade_intent).exists()
