"""Answers to calls about disks that go to another cluster, and come from there."""

import asyncio
from collections.abc import Coroutine
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from typing import Any

from pyganeti.kit.process import Command, Finished
from pyganeti.kit.threads import in_thread
from pyganeti.kit.together import all_together
from pyganeti.model.errors import OpExecError
from pyganeti.model.state_disks import is_state
from pyganeti.node.crypto_keys import CryptoKeys
from pyganeti.node.dispatcher import Handler, handles, handles_with_run
from pyganeti.node.hypervisor.base import GuestDisk
from pyganeti.node.os.scripts import OsScripts
from pyganeti.node.pipes import Give, Take, give_input, take_output
from pyganeti.node.predicted import PredictedSize
from pyganeti.node.raw_dumps import dump, restore
from pyganeti.node.remote_disks import Receiving, Sending
from pyganeti.node.remote_links import Links, Listener, Stream
from pyganeti.node.storage.base import MIB
from pyganeti.node.storage.blocks import Blocks
from pyganeti.node.tasks import CallRun
from pyganeti.node.tls_stream import broken
from pyganeti.wire.noderpc import remote as calls
from pyganeti.wire.noderpc.types import TaskProgress

from .blockdev import BlockdevHandlers


@dataclass(slots=True)
class _Incoming:
    """Disks that are waited for, and the connections on which they came."""

    listeners: list[Listener] = field(default_factory=list)
    streams: list[Stream] = field(default_factory=list)


class RemoteHandlers:
    """Disks on their way between clusters.

    Args:
        keys: of transfers.
        links: makes connections.
        disks: of instances.
        oses: the definitions with the scripts.
        blocks: what is on disks.
    """

    def __init__(
        self,
        keys: CryptoKeys,
        links: Links,
        disks: BlockdevHandlers,
        oses: OsScripts,
        blocks: Blocks,
    ) -> None:
        self._keys = keys
        self._links = links
        self._disks = disks
        self._oses = oses
        self._blocks = blocks
        self._incoming: dict[str, _Incoming] = {}

    def all(self) -> tuple[Handler, ...]:
        """One handler a procedure."""
        return (
            handles(calls.RemoteEndCall, self._end),
            handles_with_run(calls.RemoteExportCall, self._export),
            handles_with_run(calls.RemoteImportCall, self._import),
            handles(calls.RemoteListenCall, self._listen),
            handles(calls.X509CreateCall, self._create_key),
            handles(calls.X509RemoveCall, self._remove_key),
        )

    async def _create_key(self, call: calls.X509CreateCall) -> str:
        return await in_thread(self._keys.create, call.name, call.validity_s)

    async def _remove_key(self, call: calls.X509RemoveCall) -> None:
        await in_thread(self._keys.remove, call.name)

    async def _export(self, call: calls.RemoteExportCall, run: CallRun) -> tuple[int, ...]:
        disks = await self._disks.devices(call.instance)
        context = await in_thread(self._keys.context, call.key, call.ca, server=False)
        sizes = [0] * len(disks)

        async def send(index: int) -> None:
            device = await self._disks.device(call.devices[index], call.instance)
            stream = await self._links.connect(call.targets[index], context)

            async def work() -> None:
                magic = call.targets[index].magic
                sending = Sending(stream, magic, call.compress, run.runner)
                await sending.run(
                    lambda take: self._produce(call, run, disks, index, device, _counting(take))
                )

            def _counting(take: Take) -> Take:
                async def counted(piece: bytes) -> None:
                    await take(piece)
                    sizes[index] += len(piece)
                    total = sum(disk.spec.size for disk in disks)
                    run.progress = TaskProgress(sum(sizes) // MIB, total)

                return counted

            await _connected(stream, f"export of disk/{index}", work())
            stream.close()

        await all_together([send(index) for index in range(len(disks))])
        return tuple(sizes)

    async def _produce(
        self,
        call: calls.RemoteExportCall,
        run: CallRun,
        disks: tuple[GuestDisk, ...],
        index: int,
        device: GuestDisk,
        take: Take,
    ) -> None:
        """Hand on what the export script writes of a disk."""
        if is_state(disks[index].spec.name):
            await dump(self._blocks, replace(device, spec=disks[index].spec), take)
            return
        with ExitStack() as stack:
            predicted = stack.enter_context(PredictedSize(device.spec.size * MIB))

            async def runner(command: Command) -> Finished:
                await take_output(run.runner, predicted.told(command), take)
                return Finished(0, "", "")

            own = replace(disks[index], link=device.link, uri=device.uri)
            await self._oses.export(call.instance, disks, own, index, runner, debug=call.debug)

    async def _listen(self, call: calls.RemoteListenCall) -> tuple[int, ...]:
        await self._forget(call.transfer)
        context = await in_thread(self._keys.context, call.key, call.ca, server=True)
        incoming = self._incoming[call.transfer] = _Incoming()
        for _ in range(call.count):
            incoming.listeners.append(await self._links.listen(call.host, context))
        return tuple(listener.port for listener in incoming.listeners)

    async def _import(self, call: calls.RemoteImportCall, run: CallRun) -> None:
        incoming = self._incoming.get(call.transfer)
        if incoming is None:
            raise OpExecError("nothing listens for these disks: the node daemon was restarted")
        disks = await self._disks.devices(call.instance)
        received: dict[int, Receiving] = {}

        async def receive(index: int) -> None:
            stream = await _accepted(incoming.listeners[index], index, call.connect_timeout_s)
            incoming.streams.append(stream)
            received[index] = Receiving(stream, call.magics[index], call.compress, run.runner)

            async def consume(give: Give) -> None:
                async def told() -> bytes:
                    piece = await give()
                    done = sum(one.size for one in received.values())
                    total = sum(disk.spec.size for disk in disks)
                    run.progress = TaskProgress(done // MIB, total)
                    return piece

                await self._consume(call, run, disks, index, told)

            work = received[index].run(consume)
            await _connected(stream, f"import of disk/{index}", work)

        try:
            await all_together([receive(index) for index in range(len(disks))])
        except BaseException:
            await self._forget(call.transfer)
            raise

    async def _consume(
        self,
        call: calls.RemoteImportCall,
        run: CallRun,
        disks: tuple[GuestDisk, ...],
        index: int,
        give: Give,
    ) -> None:
        """Let the import script have a disk."""

        async def runner(command: Command) -> Finished:
            await give_input(run.runner, command, give)
            return Finished(0, "", "")

        if is_state(disks[index].spec.name):
            await restore(self._blocks, disks[index], give)
        else:
            await self._oses.import_(
                call.instance, disks, disks[index], index, runner, debug=call.debug
            )

    async def _end(self, call: calls.RemoteEndCall) -> None:
        if call.kept and (incoming := self._incoming.get(call.transfer)) is not None:
            for stream in incoming.streams:
                await _confirm(stream)
            incoming.streams.clear()
        await self._forget(call.transfer)

    async def _forget(self, transfer: str) -> None:
        incoming = self._incoming.pop(transfer, None)
        if incoming is None:
            return
        for stream in incoming.streams:
            stream.abort()
        for listener in incoming.listeners:
            await listener.close()


async def _accepted(listener: Listener, index: int, timeout_s: int) -> Stream:
    try:
        async with asyncio.timeout(timeout_s):
            return await listener.accept()
    except TimeoutError as err:
        text = f"the source cluster did not connect for disk/{index} in {timeout_s} s"
        raise OpExecError(text) from err
    finally:
        await listener.close()


async def _connected(
    stream: Stream, what: str, work: Coroutine[Any, Any, None]
) -> None:  # Any: coroutines yield to the loop
    """Do ``work`` with a connection; one that fails breaks off.

    Raises:
        OpExecError: the other end did; or as ``work``.
    """
    try:
        await work
    except OSError as err:
        stream.abort()
        raise broken(what, err) from err
    except BaseException:
        stream.abort()
        raise


async def _confirm(stream: Stream) -> None:
    """Tell the other end that its disk is kept; Ganeti's does not wait for it."""
    try:
        await stream.end()
    except OSError:
        return
    finally:
        stream.close()
