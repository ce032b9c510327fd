"""From request to answer: admission, epochs, repeats, tasks. No HTTP."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from pyganeti.kit.process import Command, Finished
from pyganeti.kit.tls import Peer
from pyganeti.model.errors import HypervisorError, NodeCallError, from_wire
from pyganeti.node.dispatcher import Dispatcher, handles
from pyganeti.node.epoch import EpochKeeper
from pyganeti.node.handlers.task import TaskHandlers
from pyganeti.node.tasks import Tasks
from pyganeti.wire.noderpc import codec
from pyganeti.wire.noderpc.call import AnyCall, CallContext
from pyganeti.wire.noderpc.node import (
    BridgesExistCall,
    EtcHostsModifyCall,
    TestDelayCall,
    VersionCall,
)
from pyganeti.wire.noderpc.task import TaskWaitCall
from pyganeti.wire.noderpc.types import (
    TaskReport,
    TaskState,
)

MASTER = Peer("AA:BB", "node1", "u1")
STRANGER = Peer("CC:DD", "node2", "u2")


class OnlyMaster:
    def check(self, peer: Peer) -> None:
        if peer != MASTER:
            raise NodeCallError(f"{peer.name} is not admitted")


async def no_programs(command: Command) -> Finished:
    raise AssertionError(f"ran {command}")


class Node:
    """A dispatcher with handlers that count and wait."""

    def __init__(self, dispatcher: Dispatcher) -> None:
        self.dispatcher = dispatcher

    async def answer(
        self, call: AnyCall, ctx: CallContext | None = None, peer: Peer = MASTER
    ) -> codec.Answer:
        body = codec.encode_request(ctx or CallContext(epoch=1, call=1), call)
        return await self.dispatcher.dispatch(call.procedure, codec.decode_request(body), peer)


class Handlers:
    def __init__(self) -> None:
        self.done: list[str] = []
        self.begun = asyncio.Event()
        self.gate = asyncio.Event()

    async def change(self, call: EtcHostsModifyCall) -> None:
        self.done.append(call.name)
        self.begun.set()
        if call.mode == "fail":
            raise HypervisorError("refused by the driver")
        if call.mode == "bug":
            raise ZeroDivisionError("oops")
        if call.mode == "wait":
            await self.gate.wait()

    async def read(self, _call: BridgesExistCall) -> None:
        self.done.append("read")

    async def version(self, _call: VersionCall) -> None:
        self.done.append("version")

    async def delay(self, _call: TestDelayCall) -> None:
        await self.gate.wait()
        self.done.append("delay")


@asynccontextmanager
async def node(tmp_path: Path, handlers: Handlers) -> AsyncIterator[Node]:
    async with Tasks(lambda _name: no_programs) as tasks:
        table = (
            handles(EtcHostsModifyCall, handlers.change),
            handles(BridgesExistCall, handlers.read),
            handles(VersionCall, handlers.version),
            handles(TestDelayCall, handlers.delay),
            *TaskHandlers(tasks).all(),
        )
        epochs = EpochKeeper(str(tmp_path / "epoch"), tasks.end_below)
        yield Node(
            Dispatcher(
                table, admission=OnlyMaster(), epochs=epochs, tasks=tasks, runner=no_programs
            )
        )


def change(mode: str = "add", name: str = "x") -> EtcHostsModifyCall:
    return EtcHostsModifyCall(mode=mode, name=name)


def ctx(*, awaited: bool = False, **fields: int) -> CallContext:
    return CallContext(**{"epoch": 1, "call": 1, **fields}, awaited=awaited)


async def test_a_change_is_done_once_however_often_it_is_sent(tmp_path: Path) -> None:
    handlers = Handlers()
    async with node(tmp_path, handlers) as one:
        first = await one.answer(change(), ctx())
        again = await one.answer(change(), ctx(attempt=2))
    assert handlers.done == ["x"]
    assert first == again
    assert first.ok


async def test_a_repeat_waits_for_the_first(tmp_path: Path) -> None:
    handlers = Handlers()
    async with node(tmp_path, handlers) as one, asyncio.TaskGroup() as group:
        first = group.create_task(one.answer(change("wait"), ctx()))
        await asyncio.sleep(0.01)
        again = group.create_task(one.answer(change("wait"), ctx(attempt=2)))
        await asyncio.sleep(0.01)
        assert not again.done()
        handlers.gate.set()
        await asyncio.wait([first, again])
    assert handlers.done == ["x"]


async def test_other_numbers_are_other_changes(tmp_path: Path) -> None:
    handlers = Handlers()
    async with node(tmp_path, handlers) as one:
        await one.answer(change(name="a"), ctx(call=1))
        await one.answer(change(name="b"), ctx(call=2))
        await one.answer(change(name="c"), ctx(call=2, step=1))
    assert handlers.done == ["a", "b", "c"]


async def test_reads_are_never_remembered(tmp_path: Path) -> None:
    handlers = Handlers()
    async with node(tmp_path, handlers) as one:
        await one.answer(BridgesExistCall(bridges=()), CallContext(epoch=1))
        await one.answer(BridgesExistCall(bridges=()), CallContext(epoch=1))
    assert handlers.done == ["read", "read"]


async def test_a_change_without_number_is_refused(tmp_path: Path) -> None:
    handlers = Handlers()
    async with node(tmp_path, handlers) as one:
        with pytest.raises(codec.Refused) as refused:
            await one.answer(change(), CallContext(epoch=1))
    assert refused.value.refusal is codec.Refusal.MALFORMED
    assert handlers.done == []


async def test_errors_are_remembered_as_answers(tmp_path: Path) -> None:
    handlers = Handlers()
    async with node(tmp_path, handlers) as one:
        failed = await one.answer(change("fail"), ctx())
        bug = await one.answer(change("bug"), ctx(call=2))
    assert isinstance(from_wire(failed.error), HypervisorError)
    assert "ZeroDivisionError" in str(from_wire(bug.error))


async def test_strangers_get_versions_and_nothing_else(tmp_path: Path) -> None:
    handlers = Handlers()
    async with node(tmp_path, handlers) as one:
        await one.answer(VersionCall(), CallContext(epoch=0), STRANGER)
        with pytest.raises(codec.Refused) as refused:
            await one.answer(change(), ctx(), STRANGER)
    assert refused.value.refusal is codec.Refusal.NOT_ADMITTED
    assert handlers.done == ["version"]
    assert not (tmp_path / "epoch").exists()


async def test_an_unknown_procedure_is_refused(tmp_path: Path) -> None:
    async with node(tmp_path, Handlers()) as one:
        request = codec.decode_request(b'{"ctx": {"epoch": 1}, "args": {}}')
        for procedure in ("no_such", "instance_start"):
            with pytest.raises(codec.Refused) as refused:
                await one.dispatcher.dispatch(procedure, request, MASTER)
            assert refused.value.refusal is codec.Refusal.UNKNOWN


async def test_a_newer_master_ends_what_the_older_one_began(tmp_path: Path) -> None:
    handlers = Handlers()
    async with node(tmp_path, handlers) as one:
        old = asyncio.ensure_future(one.answer(change("wait"), ctx()))  # noqa: TID251
        await handlers.begun.wait()
        await one.answer(BridgesExistCall(bridges=()), CallContext(epoch=2))
        with pytest.raises(codec.Refused) as refused:
            await old
        assert refused.value.refusal is codec.Refusal.STALE
        with pytest.raises(codec.Refused):
            await one.answer(change(), ctx())
    assert handlers.done == ["x", "read"]


async def report(one: Node, task: str, wait_s: float) -> TaskReport:
    call = TaskWaitCall(task=task, wait_s=wait_s)
    answer = await one.answer(call, CallContext(epoch=1))
    return codec.Codec().result(TaskWaitCall, answer.result)


async def test_a_long_call_answers_with_its_task(tmp_path: Path) -> None:
    handlers = Handlers()
    async with node(tmp_path, handlers) as one:
        answer = await one.answer(TestDelayCall(duration=1), ctx(job=4))
        assert answer.task == "1-4-0-0-1"
        assert (await report(one, answer.task, 0.01)).state is TaskState.RUNNING
        handlers.gate.set()
        assert (await report(one, answer.task, 5)).state is TaskState.DONE
        assert (await one.answer(TestDelayCall(duration=1), ctx(job=4, attempt=2))).ok
        assert (await report(one, "1-9-9-9-9", 0)).state is TaskState.LOST
    assert handlers.done == ["delay"]
