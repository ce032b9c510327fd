"""Answers to calls about exports of instances."""

from dataclasses import replace
from hashlib import sha256

from pyganeti.kit.clock import Clock
from pyganeti.kit.process import Command, Finished
from pyganeti.kit.threads import in_thread
from pyganeti.model.errors import OpExecError
from pyganeti.model.state_disks import is_state
from pyganeti.node.copying import Copy, Peers
from pyganeti.node.dispatcher import Handler, handles, handles_with_run
from pyganeti.node.exports import CONFIG, SUMS, ExportStore
from pyganeti.node.os.scripts import OsScripts
from pyganeti.node.pipes import give_input, take_output
from pyganeti.node.predicted import PredictedSize
from pyganeti.node.raw_dumps import dump, restore
from pyganeti.node.storage.base import MIB
from pyganeti.node.storage.blocks import Blocks
from pyganeti.node.tasks import CallRun
from pyganeti.node.transfers import Transfer, Transfers
from pyganeti.wire.noderpc import backup as calls
from pyganeti.wire.noderpc.types import TaskProgress

from .blockdev import BlockdevHandlers


class BackupHandlers:
    """Exports of a node: a directory each.

    Args:
        exports: where they lie.
        transfers: what other nodes may write into them.
        peers: to send dumps.
        disks: of instances.
        oses: the definitions with the scripts.
        blocks: what is on disks.
        clock: for pauses.
    """

    def __init__(
        self,
        exports: ExportStore,
        transfers: Transfers,
        peers: Peers,
        disks: BlockdevHandlers,
        oses: OsScripts,
        blocks: Blocks,
        clock: Clock,
    ) -> None:
        self._exports = exports
        self._transfers = transfers
        self._peers = peers
        self._disks = disks
        self._oses = oses
        self._blocks = blocks
        self._clock = clock

    def all(self) -> tuple[Handler, ...]:
        """One handler a procedure."""
        return (
            handles(calls.ExportAbandonCall, self._abandon),
            handles(calls.ExportBeginCall, self._begin),
            handles(calls.ExportInfoCall, self._info),
            handles(calls.ExportListCall, self._list),
            handles(calls.ExportOfferCall, self._offer),
            handles(calls.ExportPublishCall, self._publish),
            handles(calls.ExportRemoveCall, self._remove),
            handles(calls.ExportSettleCall, self._settle),
            handles_with_run(calls.ExportStartCall, self._export),
            handles(calls.FinalizeExportCall, self._finalize),
            handles_with_run(calls.ImportStartCall, self._import),
        )

    async def _list(self, _call: calls.ExportListCall) -> tuple[str, ...]:
        return await in_thread(self._exports.names)

    async def _remove(self, call: calls.ExportRemoveCall) -> None:
        await in_thread(self._exports.remove, call.export)

    async def _begin(self, call: calls.ExportBeginCall) -> None:
        path = await in_thread(self._exports.begin, call.export)
        files = {file: path(file) for file in call.files}
        transfer = Transfer(peer=call.source, files=files, writable=True)
        await in_thread(self._transfers.allow, call.transfer, transfer)

    async def _export(self, call: calls.ExportStartCall, run: CallRun) -> calls.Dump:
        disks = await self._disks.devices(call.instance)
        device = await self._disks.device(call.device, call.instance)
        async with self._peers() as client:
            copy = Copy(call.target, client, run.runner, self._clock)
            with PredictedSize(call.device.size * MIB) as predicted:

                async def take(piece: bytes) -> None:
                    await copy.take(piece)
                    total = max(predicted.size(), copy.size)
                    run.progress = TaskProgress(copy.size // MIB, total // MIB)

                if is_state(disks[call.index].spec.name):
                    whole = replace(device, spec=disks[call.index].spec)
                    await dump(self._blocks, whole, take)
                    return calls.Dump(size=copy.size, sha256=copy.sha256)

                async def runner(command: Command) -> Finished:
                    await take_output(run.runner, predicted.told(command), take)
                    return Finished(0, "", "")

                await self._oses.export(
                    call.instance, disks,
                    replace(disks[call.index], link=device.link, uri=device.uri),
                    call.index, runner, debug=call.debug,
                )  # fmt: skip
        return calls.Dump(size=copy.size, sha256=copy.sha256)

    async def _info(self, call: calls.ExportInfoCall) -> calls.ExportContent:
        config, sizes, sums = await in_thread(self._exports.read, call.path)
        return calls.ExportContent(config=config, sizes=sizes, sums=sums)

    async def _offer(self, call: calls.ExportOfferCall) -> None:
        directory = await in_thread(self._exports.path, call.path)
        files = {file: f"{directory}/{file}" for file in call.files}
        transfer = Transfer(peer=call.reader, files=files, writable=False)
        await in_thread(self._transfers.allow, call.transfer, transfer)

    async def _import(self, call: calls.ImportStartCall, run: CallRun) -> None:
        disks = await self._disks.devices(call.instance)
        async with self._peers() as client:
            copy = Copy(call.source, client, run.runner, self._clock)

            async def give() -> bytes:
                piece = await copy.give()
                run.progress = TaskProgress(copy.size // MIB, call.dump.size // MIB)
                return piece

            async def runner(command: Command) -> Finished:
                await give_input(run.runner, command, give)
                return Finished(0, "", "")

            device = disks[call.index]
            if is_state(device.spec.name):
                await restore(self._blocks, device, give)
            else:
                await self._oses.import_(
                    call.instance, disks, device, call.index, runner, debug=call.debug
                )
        _check_dump(call, copy)

    async def _finalize(self, call: calls.FinalizeExportCall) -> None:
        await in_thread(self._transfers.end, call.transfer)
        sums = {file: dump.sha256 for file, dump in call.dumps.items()}
        sums[CONFIG] = sha256(call.config.encode("utf-8")).hexdigest()
        lines = "".join(f"{digest}  {file}\n" for file, digest in sorted(sums.items()))
        await in_thread(
            self._exports.finish,
            call.export,
            {CONFIG: call.config, SUMS: lines},
            {file: dump.size for file, dump in call.dumps.items()},
        )

    async def _publish(self, call: calls.ExportPublishCall) -> None:
        await in_thread(self._exports.publish, call.export)

    async def _abandon(self, call: calls.ExportAbandonCall) -> None:
        await in_thread(self._transfers.end, call.transfer)
        await in_thread(self._exports.abandon, call.export)

    async def _settle(self, call: calls.ExportSettleCall) -> None:
        await in_thread(self._exports.settle, call.export)


def _check_dump(call: calls.ImportStartCall, copy: Copy) -> None:
    """Refuse a dump that is not what was exported.

    Raises:
        OpExecError: it is damaged.
    """
    file, dump = call.source.name, call.dump
    if copy.size != dump.size:
        raise OpExecError(f"{file} is damaged: {copy.size} bytes were read, {dump.size} expected")
    if dump.sha256 and copy.sha256 != dump.sha256:
        text = f"its SHA-256 checksum is {copy.sha256}, not {dump.sha256}"
        raise OpExecError(f"{file} is damaged: {text}")
