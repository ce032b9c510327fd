"""The steps of an upgrade, each of which may be done twice.

    Upgrade(site).begin(target) | .resume() -> commands on nodes -> exit code

Order, ways back and reasons: ``docs/design/0017-upgrade.md``.
"""

import json
import os
from collections.abc import Callable
from typing import Final

from pyganeti.cli.upgrading.intent import Intent, Stage, read_intent, remove_intent, write_intent
from pyganeti.cli.upgrading.site import NodeFailed, Site
from pyganeti.cli.upgrading.version import Version, check_change, config_version, parse_version
from pyganeti.kit.paths import Paths
from pyganeti.model.errors import GenericError, OpExecError, OpPrereqError

OK: Final = 0
FAILURE: Final = 1
_POLL_S: Final = 2.0
# Longer than an upgrade takes, shorter than one that nobody goes on with should be felt.
_PAUSE: Final = "12h"
_UNFINISHED: Final = ("queued", "waiting", "canceling", "running")


class Upgrade:
    """An upgrade of a cluster, run on its master.

    Args:
        site: the nodes.
        paths: this node, the master.
        release: of this program, in full.
        tell: shows a line to the user.
        sleep: waits that many seconds.
        is_at_work: whether a process works on an upgrade.
        stamp: part of the backup's name.
    """

    def __init__(
        self,
        site: Site,
        paths: Paths,
        release: str,
        *,
        tell: Callable[[str], None],
        sleep: Callable[[float], None],
        is_at_work: Callable[[int], bool],
        stamp: str,
    ) -> None:
        self._site = site
        self._paths = paths
        self._release = release
        self._tell = tell
        self._sleep = sleep
        self._is_at_work = is_at_work
        self._stamp = stamp

    def begin(self, target: Version) -> int:
        """Change to ``target``, or go on with a change to it.

        Raises:
            OpPrereqError: nothing was changed.
            OpExecError: says how to go on.
        """
        found = self._found_intent()
        if found is not None and found.target != target:
            raise OpPrereqError(
                f"an upgrade from {found.current} to {found.target} was interrupted: go on with it"
                " first (--resume)",
                "wrong_state",
            )
        if found is not None:
            return self._go_on(found)
        current = parse_version(self._release)
        if target == current:
            self._tell(f"The cluster works with version {current} already.")
            return OK
        check_change(current, target)
        self._check_installed(current, target)
        if not self._master_runs():
            raise OpPrereqError("the master daemon must run, to let jobs end", "wrong_state")
        for name in self._site.offline:
            self._tell(f"Warning: {name} is offline and stays as it is, see gnt-cluster(8)")
        return self._go_on(Intent(self._release, target, os.getpid()), is_new=True)

    def resume(self) -> int:
        """Go on with what was interrupted; if there is nothing, that is fine.

        Raises:
            OpPrereqError: somebody works on it.
            OpExecError: says how to go on.
        """
        found = self._found_intent()
        return OK if found is None else self._go_on(found)

    def _found_intent(self) -> Intent | None:
        found = read_intent(self._paths)
        if found is not None and self._is_at_work(found.pid):
            text = f"process {found.pid} works on an upgrade to {found.target}"
            raise OpPrereqError(text, "wrong_state")
        return found

    def _check_installed(self, current: Version, target: Version) -> None:
        """Each node must have the same release of the target, and be reached."""
        if not os.path.isdir(self._paths.versions_dir):
            text = "versions lie side by side only where the packages are installed"
            raise OpPrereqError(f"{text}: there is no {self._paths.versions_dir}", "wrong_state")
        nodes = (*self._site.others, self._site.master)
        answers = self._site.run_all(nodes, self._program(target, "gnt-cluster"), "--version")
        failed = [str(one) for one in answers.values() if isinstance(one, NodeFailed)]
        if failed:
            raise OpPrereqError(
                f"version {target} must be installed on all nodes, and all nodes be reached:\n  "
                + "\n  ".join(failed),
                "wrong_state",
            )
        releases = {node: str(answer).split()[-1] for node, answer in answers.items()}
        if len(set(releases.values())) > 1:
            named = ", ".join(f"{node} has {release}" for node, release in releases.items())
            raise OpPrereqError(f"nodes have different releases of {target}: {named}")
        if parse_version(releases[self._site.master]) != target:
            text = f"what is installed as {target} is {releases[self._site.master]}"
            raise OpPrereqError(text, "wrong_state")

    def _go_on(self, intent: Intent, *, is_new: bool = False) -> int:
        intent = intent._replace(pid=os.getpid())
        write_intent(self._paths, intent)
        if is_new:
            self._first_drain(intent)
        if intent.stage is Stage.REVERSIBLE:
            self._to_target(intent, is_new=is_new)
        try:
            return self._finish(intent)
        except (GenericError, OSError) as err:
            raise OpExecError(
                f"the configuration is that of {intent.target} already, and {err}\nMend that, then"
                " run: gnt-cluster upgrade --resume"
            ) from err

    def _first_drain(self, intent: Intent) -> None:
        """Wait for the jobs while all daemons run; if that fails, they go on running."""
        try:
            self._drain()
        except (GenericError, KeyboardInterrupt) as err:
            why = str(err) or "interrupted"
            try:
                self._open()
            except GenericError as failed:
                raise _not_taken_back(why, failed) from failed
            remove_intent(self._paths)
            raise OpExecError(f"nothing was changed: {why}") from err

    def _open(self) -> None:
        """Let queue and watcher go on."""
        self._on_master(None, "gnt-cluster", "queue", "undrain")
        self._on_master(None, "gnt-cluster", "watcher", "continue")

    def _to_target(self, intent: Intent, *, is_new: bool) -> None:
        """Everything that can be taken back; when it fails, it is."""
        try:
            if not is_new:
                self._check_installed(intent.current, intent.target)
                if self._master_runs():
                    self._drain()
            self._stop()
            self._back_up(intent)
            self._convert(intent)
            self._take(intent)
        except (GenericError, OSError, ValueError, KeyboardInterrupt) as err:
            why = str(err) or "interrupted"
            self._take_back(intent, why)
            raise OpExecError(
                f"the upgrade was taken back, the cluster works with {intent.current}: {why}"
            ) from err

    def _master_runs(self) -> bool:
        try:
            self._on_master(None, "daemon-util", "check", "ganeti-masterd")
        except NodeFailed:
            return False
        return True

    def _drain(self) -> None:
        """Take no more jobs, and wait for those there are to end."""
        self._tell("Draining the queue, and waiting for jobs to end.")
        self._on_master(None, "gnt-cluster", "queue", "drain")
        rule = " or ".join(f'status == "{status}"' for status in _UNFINISHED)
        words = ("list", "--no-headers", "--output=id", "--filter", rule)
        told = ""
        while jobs := " ".join(self._on_master(None, "gnt-job", *words).split()):
            if jobs != told:
                self._tell(f"Waiting for jobs {jobs}.")
                told = jobs
            self._sleep(_POLL_S)
        self._on_master(None, "gnt-cluster", "watcher", "pause", _PAUSE)

    def _stop(self) -> None:
        """The master first: nobody is to miss the others."""
        self._tell("Stopping the daemons; guests go on.")
        self._site.run(self._site.master, self._program(None, "daemon-util"), "stop-all")
        _check(self._on_others("daemon-util", "stop-all"))

    def _back_up(self, intent: Intent) -> None:
        if self._written_by() != intent.current:
            # Taken already, when the configuration was still that of the version it began with.
            return
        path = f"{os.path.dirname(self._paths.data_dir)}/ganeti-{intent.current}-{self._stamp}.tar"
        self._tell(f"Keeping the state as {path}.")
        script = (
            'umask 077; exec tar -C "$1" --exclude=./queue/archive --exclude=./export -cf "$2" .'
        )
        self._site.run(self._site.master, "sh", "-c", script, "backup", self._paths.data_dir, path)

    def _written_by(self) -> Version:
        """The version whose configuration lies in config.data."""
        with open(self._paths.config_file, encoding="utf-8") as handle:
            number = json.load(handle).get("version")
        return config_version(number) if isinstance(number, int) else Version(0, 0)

    def _convert(self, intent: Intent) -> None:
        """The newer version changes the configuration file, both ways."""
        self._tell(f"Changing to version {intent.target}.")
        must_change = self._written_by() != intent.target
        if must_change and intent.target < intent.current:
            self._on_master(intent.current, "cfgupgrade", "--downgrade", "-f")
        # The master last: what its link says holds for all.
        _check(self._site.run_all(self._site.others, *self._switch(intent.target)))
        self._site.run(self._site.master, *self._switch(intent.target))
        if must_change and intent.target > intent.current:
            self._on_master(intent.target, "cfgupgrade", "-f")

    def _take(self, intent: Intent) -> None:
        """Make the file the state. What says that it failed has changed nothing."""
        write_intent(self._paths, intent._replace(stage=Stage.TAKING))
        try:
            self._on_master(intent.target, "ganeti-masterd", "--take-config-file")
        except NodeFailed:
            write_intent(self._paths, intent)
            raise
        write_intent(self._paths, intent._replace(stage=Stage.CONVERTED))

    def _take_back(self, intent: Intent, why: str) -> None:
        """To how it was. A node that cannot be reached any more is named, and missed.

        Raises:
            OpExecError: the master does not work as it did.
        """
        self._tell(f"Taking it back: {why}")
        master = self._site.master
        self._warn(self._on_others("daemon-util", "stop-all"))
        self._warn(self._site.run_all(self._site.others, *self._switch(intent.current)))
        try:
            self._site.run(master, self._program(None, "daemon-util"), "stop-all")
            self._site.run(master, *self._switch(intent.current))
            if self._written_by() != intent.current:
                self._on_master(intent.current, "ganeti-masterd", "--keep-database")
            self._restart()
            self._open()
        except (GenericError, OSError, ValueError) as err:
            raise _not_taken_back(why, err) from err
        remove_intent(self._paths)

    def _restart(self) -> None:
        """Start the daemons. Some may run: of nodes that were restarted meanwhile.

        The master last: it asks the others. One of these that fails is named, and missed.
        """
        for action in ("stop-all", "start-all"):
            self._warn(self._on_others("daemon-util", action))
        for action in ("stop-all", "start-all"):
            self._on_master(None, "daemon-util", action)

    def _finish(self, intent: Intent) -> int:
        """What follows once there is no way back."""
        if intent.stage is Stage.TAKING:
            # Again, since nobody knows; the daemons that may have been started meanwhile wrote it.
            self._stop()
            self._take(intent)
        self._tell("Starting the daemons.")
        self._restart()
        self._on_master(None, "gnt-cluster", "queue", "undrain")
        self._on_master(None, "gnt-cluster", "redist-conf")
        self._on_master(None, "post-upgrade", intent.release)
        self._on_master(None, "gnt-cluster", "watcher", "continue")
        remove_intent(self._paths)
        self._tell(f"The cluster works with version {intent.target}. Verifying it.")
        try:
            self._tell(self._on_master(None, "gnt-cluster", "verify").rstrip())
        except NodeFailed as failed:
            self._tell(f"Warning: {failed}")
            return FAILURE
        return OK

    def _switch(self, version: Version) -> tuple[str, ...]:
        """The command that lets a node work with a version."""
        place = f"{self._paths.versions_dir}/{version}"
        return ("ln", "-sfn", place, self._paths.version_link)

    def _program(self, version: Version | None, name: str) -> str:
        """Path of a program of a version, or of the one that a node works with."""
        if version is None:
            return f"{self._paths.version_link}/bin/{name}"
        return f"{self._paths.versions_dir}/{version}/bin/{name}"

    def _on_master(self, version: Version | None, program: str, *words: str) -> str:
        return self._site.run(self._site.master, self._program(version, program), *words)

    def _on_others(self, program: str, *words: str) -> dict[str, str | NodeFailed]:
        return self._site.run_all(self._site.others, self._program(None, program), *words)

    def _warn(self, answers: dict[str, str | NodeFailed]) -> None:
        for failed in answers.values():
            if isinstance(failed, NodeFailed):
                self._tell(f"Warning: {failed}")


def _not_taken_back(why: str, err: Exception) -> OpExecError:
    return OpExecError(
        f"the upgrade failed: {why}\nIt could not be taken back: {err}\nMend that, then run:"
        " gnt-cluster upgrade --resume"
    )


def _check(answers: dict[str, str | NodeFailed]) -> None:
    """Raises: NodeFailed: of the first node where a command failed, with all of them."""
    failed = [one for one in answers.values() if isinstance(one, NodeFailed)]
    if failed:
        more = "".join(f"\n  {one}" for one in failed[1:])
        raise NodeFailed(failed[0].args[0], f"{failed[0].args[1]}{more}")
