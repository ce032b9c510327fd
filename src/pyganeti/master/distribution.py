"""Brings nodes the files that follow from the configuration.

``ssconf_*`` values go to all online nodes, only those that changed; the authority's key goes to
candidates, since it belongs to the master role; the watcher's pause and the files that all nodes
have alike go to all. Nodes that are no candidates are told to remove what only those may have. A
task of masterd does it soon after a change; :meth:`Distributor.flush` does it now. Source:
``docs/design/0013-node-roles.md``, ``docs/design/0015-renewing-keys.md``.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Callable, Collection
from typing import Final

from pyganeti.kit.clock import Clock
from pyganeti.kit.paths import Paths
from pyganeti.kit.threads import in_thread
from pyganeti.master.key_files import KeyFiles
from pyganeti.master.nodes import NodeWriter
from pyganeti.model.change import Change, Kind, kind_of
from pyganeti.model.errors import GenericError
from pyganeti.model.instance import Instance
from pyganeti.model.ssconf import changed_values, ssconf_values
from pyganeti.model.view import ClusterView
from pyganeti.wire.noderpc.files import UploadFileCall, WriteSsconfFilesCall
from pyganeti.wire.noderpc.store import NodeDemoteFromMcCall

_log = logging.getLogger(__name__)

RETRY_S: Final = 10.0
DELAY_S: Final = 0.5
_PAUSE_MODE: Final = 0o644


class Distributor:
    """Keeps ``ssconf_*`` up to date on all nodes.

    Args:
        nodes: makes the calls.
        clock: for pauses.
        view: the snapshot at start; nothing is known yet of what nodes have.
        keys: files that all nodes have alike, and those that only candidates have.
        pause: until when the watcher is paused.
        may_demote: whether the candidates can do without the copies of former ones.
    """

    def __init__(
        self,
        nodes: NodeWriter,
        clock: Clock,
        view: ClusterView,
        keys: KeyFiles,
        pause: float | None,
        may_demote: Callable[[], bool],
    ) -> None:
        self._nodes = nodes
        self._keys = keys
        self._may_demote = may_demote
        self._alike: set[str] = set()
        self._equipped: set[str] = set()
        self._demoted: set[str] = set()
        self._pause = pause
        self._paused: dict[str, float | None] = {}
        self._clock = clock
        self._view = view
        self._values = ssconf_values(view)
        self._sent: dict[str, dict[str, str]] = defaultdict(dict)
        self._wakeup = asyncio.Event()
        self._turn = asyncio.Lock()

    def config_changed(self, change: Change, before: ClusterView, after: ClusterView) -> None:
        """Listener of the config state."""
        self._view = after
        if _concerns_ssconf(change, before):
            self._values = ssconf_values(after)
            self._wakeup.set()

    def pause_changed(self, until: float | None) -> None:
        """The watcher is paused until then, seconds since the epoch, or not."""
        self._pause = until
        self._wakeup.set()

    async def run(self) -> None:
        """Send what changed, for ever; a node that was missed is tried again."""
        self._wakeup.set()
        while True:
            await self._wakeup.wait()
            await self._clock.sleep(DELAY_S)
            self._wakeup.clear()
            missed = await self.flush()
            if missed:
                _log.info("nodes that could not be told: %s", ", ".join(sorted(missed)))
            if missed or self._to_demote(self._view):
                await self._clock.sleep(RETRY_S)
                self._wakeup.set()

    async def flush(self) -> dict[str, str]:
        """Bring all online nodes up to date; those missed, by name, with the reason."""
        async with self._turn:
            return await self._send()

    async def _send(self) -> dict[str, str]:
        values, view = self._values, self._view
        calls = {}
        for node in view.online_nodes():
            news = changed_values(self._sent[node.uuid], values)
            if news:
                calls[node.uuid] = WriteSsconfFilesCall(values=news)
        missed = {}
        for uuid, answer in (await self._nodes.call_each(calls)).items():
            if isinstance(answer, GenericError):
                missed[view.node(uuid).name] = str(answer)
                self._sent.pop(uuid, None)
            else:
                self._sent[uuid] = values
        missed |= await self._tell_pause(view)
        missed |= await self._make_alike(view, missed)
        # Whom the others do not know as a candidate any more has no use for the copy.
        return missed | await self._equip_candidates(view) | await self._demote()

    def _to_demote(self, view: ClusterView) -> list[str]:
        """UUIDs of the nodes that may still have what only candidates may have."""
        regular = [node for node in view.online_nodes() if not node.master_candidate]
        return [
            node.uuid
            for node in regular
            if not view.is_master(node) and node.uuid not in self._demoted
        ]

    async def _demote(self) -> dict[str, str]:
        """Let nodes that are no candidates remove what these have; those missed, with the reason.

        As long as most candidates lack acknowledged changes, a former one's copy may be the last.
        """
        view = self._view
        regular = {node.uuid for node in view.online_nodes() if not node.master_candidate}
        self._demoted &= regular
        if not self._may_demote():
            return {}
        missed = {}
        answers = await self._nodes.call_all(self._to_demote(view), NodeDemoteFromMcCall())
        for uuid, answer in answers.items():
            if isinstance(answer, GenericError):
                missed[view.node(uuid).name] = str(answer)
            else:
                self._demoted.add(uuid)
                self._equipped.discard(uuid)
        return missed

    async def _tell_pause(self, view: ClusterView) -> dict[str, str]:
        """Tell nodes how long their watchers pause; those missed, by name, with the reason."""
        until = self._pause
        content = b"" if until is None else f"{until:.0f}\n".encode()
        call = UploadFileCall(file_name=Paths().watcher_pause, content=content, mode=_PAUSE_MODE)
        calls = {
            node.uuid: call
            for node in view.online_nodes()
            if node.uuid not in self._paused or self._paused[node.uuid] != until
        }
        missed = {}
        for uuid, answer in (await self._nodes.call_each(calls)).items():
            if isinstance(answer, GenericError):
                missed[view.node(uuid).name] = str(answer)
            else:
                self._paused[uuid] = until
        return missed

    async def _make_alike(self, view: ClusterView, missed: Collection[str]) -> dict[str, str]:
        """Bring nodes the files that all have alike; those missed, by name, with the reason.

        Args:
            view: the newest snapshot.
            missed: names of nodes that need not be tried now.
        """
        others = [node for node in view.online_nodes() if not view.is_master(node)]
        self._alike &= {node.uuid for node in others}
        wanted = [node for node in others if node.uuid not in self._alike]
        lacking = {node.uuid for node in wanted if node.name not in missed}
        if not lacking:
            return {}
        try:
            files = await in_thread(self._keys.for_all)
        except OSError as err:
            return {view.master_node.name: str(err)}
        failed = {}
        for path, content in files.items():
            call = UploadFileCall(file_name=path, content=content)
            for uuid, answer in (await self._nodes.call_all(lacking, call)).items():
                if isinstance(answer, GenericError):
                    failed[view.node(uuid).name] = str(answer)
                    lacking.discard(uuid)
        self._alike |= lacking
        return failed

    async def _equip_candidates(self, view: ClusterView) -> dict[str, str]:
        """Give candidates what only they may have; those missed, by name, with the reason."""
        candidates = [one for one in view.master_candidates() if not one.offline]
        # Who was demoted in between has lost it.
        self._equipped &= {node.uuid for node in candidates}
        wanted = [
            node for node in candidates if not (view.is_master(node) or node.uuid in self._equipped)
        ]
        if not wanted:
            return {}
        missed = {}
        try:
            files = await in_thread(self._keys.for_candidates)
        except OSError as err:
            return {view.master_node.name: str(err)}
        for node in wanted:
            try:
                for path, content in files.items():
                    call = UploadFileCall(file_name=path, content=content, mode=0o400)
                    await self._nodes.call(node.uuid, call)
            except GenericError as err:
                missed[node.name] = str(err)
            else:
                self._equipped.add(node.uuid)
        return missed

    async def resend(self) -> dict[str, str]:
        """Send everything to everybody, whatever was sent before."""
        async with self._turn:
            self._sent.clear()
            self._alike.clear()
            self._equipped.clear()
            self._demoted.clear()
            self._paused.clear()
            missed = await self._send()
        if self._to_demote(self._view):
            self._wakeup.set()
        return missed


def _concerns_ssconf(change: Change, before: ClusterView) -> bool:
    """Whether a value may be another one: most changes of instances and disks touch none."""
    for item in change.puts:
        if isinstance(item, Instance):
            old = before.instances.get(item.uuid)
            if old is None or old.name != item.name:
                return True
        elif kind_of(item) is not Kind.DISK:
            return True
    return any(kind is not Kind.DISK for kind, _ in change.deletes)
