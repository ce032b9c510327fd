"""``burnin``: makes test instances and does with them whatever a cluster can do.

    options -> phases -> jobs, waited for -> instances removed, whatever happened

Run by people on the master of a cluster that is new, or suspected of something. It touches no
instance but its own. Source: the options of Ganeti's tool of this name.
"""

import argparse
import os
import sys
import urllib.request
from collections.abc import Sequence
from typing import Any, Final

from pyganeti.kit.clock import monotonic, now, sleep_blocking
from pyganeti.kit.files import read_bytes
from pyganeti.kit.paths import Paths
from pyganeti.model.errors import ECode, GenericError, OpPrereqError
from pyganeti.wire.confd.client import ConfdClient
from pyganeti.wire.confd.message import Query, Status
from pyganeti.wire.luxi.client import LuxiClient

from .options import OpDict, parse
from .steps import Guest, Phase, phases, place

_RETRY_S: Final = 1.0
_LONGEST_ANSWER: Final = 4096


class Failed(GenericError):
    """Something did not work; names the instance and what was done."""


class Burnin:
    """One run.

    Args:
        options: of the command line.
        client: the master.
        paths: this node.
    """

    def __init__(self, options: argparse.Namespace, client: LuxiClient, paths: Paths) -> None:
        self._options = options
        self._client = client
        self._paths = paths
        self._guests: list[Guest] = []
        # What is to be removed at the end; nothing that was there before.
        self._made: set[str] = set()

    def run(self) -> None:
        """Do everything, and remove the instances.

        Raises:
            GenericError: something did not work.
            ValueError: there are too few nodes.
        """
        nodes = self._nodes()
        self._check_names()
        self._guests = place(self._options, nodes)
        try:
            for phase in phases(self._options, nodes):
                self._do(phase)
            if self._options.do_confd:
                self._ask_confd()
        finally:
            if self._options.keep_instances:
                self._say("- instances are left where they are")
            else:
                self._remove()

    def _say(self, text: str) -> None:
        print(text, flush=True)

    # Any: rows of values.
    def _rows(self, what: str, fields: list[str]) -> list[list[Any]]:
        found = self._client.query(what, fields)["data"]
        return [[value for _, value in row] for row in found]

    def _nodes(self) -> list[str]:
        """The nodes to use.

        Raises:
            Failed: one that was named cannot be used.
        """
        rows = self._rows("node", ["name", "offline", "drained", "vm_capable"])
        usable = [name for name, offline, drained, vm in rows if vm and not offline and not drained]
        short = {name.partition(".")[0]: name for name in usable}
        wanted = [short.get(name, name) for name in self._options.nodes]
        wrong = [name for name in wanted if name not in usable]
        if wrong:
            raise Failed(f"node {wrong[0]} is unknown, offline, drained or not vm_capable")
        return wanted or usable

    def _check_names(self) -> None:
        """Make sure that no instance has one of the names.

        Raises:
            Failed: one has.
        """
        there = {name for (name,) in self._rows("instance", ["name"])}
        wanted = [*self._options.instances, *filter(None, [self._options.rename])]
        taken = [name for name in wanted if name in there]
        if taken:
            raise Failed(f"instance {taken[0]} is there already: give names that are free")

    def _do(self, phase: Phase) -> None:
        """One phase, on one instance after the other or on all at once."""
        self._say(f"- {phase.title}")
        work = [(guest, self._reasoned(phase.ops(guest))) for guest in self._guests]
        if self._options.parallel and not self._options.rename:
            jobs = [(guest, self._submit(guest, ops)) for guest, ops in work]
            self._wait_for_all(phase, jobs)
        else:
            for guest, ops in work:
                self._wait_for_all(phase, [(guest, self._submit(guest, ops))])
        self._guests = [phase.after(guest) for guest in self._guests]
        if phase.is_up and self._options.http_check:
            for guest in self._guests:
                self._check_network(guest)

    def _reasoned(self, ops: list[OpDict]) -> list[OpDict]:
        trail: list[list[object]] = [["gnt:client:burnin", self._options.reason, int(now() * 1e9)]]
        return [{**op, "reason": trail} for op in ops]

    def _submit(self, guest: Guest, ops: list[OpDict]) -> int:
        self._made.add(guest.name)
        job = self._client.submit_job(ops)
        if self._options.verbose:
            kinds = ", ".join(op["OP_ID"] for op in ops)
            self._say(f"  {guest.name}: job {job}: {kinds}")
        return job

    def _wait_for_all(self, phase: Phase, jobs: list[tuple[Guest, int]]) -> None:
        """Wait until all have ended, so that nothing is under way when instances are removed.

        Raises:
            Failed: one has failed.
        """
        failures = []
        for guest, job in jobs:
            try:
                self._client.wait_for_end(job)
            except GenericError as err:
                failures.append(f"{guest.name}: {phase.title}: job {job}: {err}")
                if phase.makes:
                    # The cluster has taken it back. What is there now would be somebody else's.
                    self._made.discard(guest.name)
        if failures:
            raise Failed("; ".join(failures))

    def _check_network(self, guest: Guest) -> None:
        """Wait until the guest serves its name.

        Raises:
            Failed: it does not in time.
        """
        end = monotonic() + self._options.net_timeout
        url = f"http://{guest.name}/hostname.txt"
        why = "no answer"
        while monotonic() < end:
            try:
                with urllib.request.urlopen(url, timeout=_RETRY_S) as answer:
                    text = answer.read(_LONGEST_ANSWER).decode("utf-8", "replace").strip()
                if text == guest.name:
                    return
                why = f"it says {text[:80]!r}"
            except (OSError, ValueError) as err:
                why = str(err)
            sleep_blocking(_RETRY_S)
        raise Failed(f"{guest.name}: {url}: {why}")

    def _ask_confd(self) -> None:
        """Ask the candidates.

        Raises:
            GenericError: nobody answers, or something else than the master says.
            OSError: the key cannot be read.
        """
        self._say("- asking confd")
        rows = self._rows("node", ["pip", "master_candidate", "name", "role"])
        peers = [pip for pip, is_candidate, _, role in rows if is_candidate or role == "M"]
        client = ConfdClient(read_bytes(self._paths.hmac_key) or b"", peers)
        master = next(name for _, _, name, role in rows if role == "M")
        answer = client.ask(Query.CLUSTER_MASTER)
        if answer.reply.status is not Status.OK or answer.reply.answer != master:
            raise Failed(f"confd takes {answer.reply.answer} for the master, it is {master}")

    def _is_renamed(self) -> bool:
        """Whether an instance of ours has the other name: one of those that were made lacks."""
        there = {name for (name,) in self._rows("instance", ["name"])}
        return self._options.rename in there and not self._made <= there

    def _remove(self) -> None:
        """Remove what was made, in whatever state it is.

        Raises:
            Failed: something is left; names it.
        """
        self._say("- removing instances")
        left = []
        for name in sorted(self._made | ({self._options.rename} if self._is_renamed() else set())):
            op = {"OP_ID": "OP_INSTANCE_REMOVE", "instance_name": name, "ignore_failures": True}
            try:
                self._client.wait_for_end(self._client.submit_job(self._reasoned([op])))
            except OpPrereqError as err:
                if err.code is not ECode.NOENT:
                    left.append(f"{name}: {err}")
            except GenericError as err:
                left.append(f"{name}: {err}")
        if left:
            raise Failed(f"not removed: {'; '.join(left)}")


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point; 0 if everything worked."""
    options = parse(argv)
    paths = Paths.from_env(os.environ)
    try:
        with LuxiClient(paths.master_socket) as client:
            Burnin(options, client, paths).run()
    except (GenericError, OSError, ValueError) as err:
        print(f"burnin: {err}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("burnin: interrupted", file=sys.stderr)
        return 1
    print("- everything worked")
    return 0


if __name__ == "__main__":
    sys.exit(main())
