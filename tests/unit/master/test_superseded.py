"""A master that most voters refuse for its term knows that it is over."""

import pytest

from pyganeti.master.superseded import TermWatch
from pyganeti.model.errors import NodeUnreachable, StaleEpoch
from pyganeti.wire.noderpc.call import CallContext, NodeAddress, NodeCall, R, TaskId
from pyganeti.wire.noderpc.node import VersionCall
from pyganeti.wire.noderpc.watched import WatchedNodes

NODES = [NodeAddress(f"node{number}", f"192.0.2.{number}", 1811) for number in (1, 2, 3)]
TERM = CallContext(epoch=1)


class Refusing:
    """A transport under which every call ends with the same error."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    async def call(self, node: NodeAddress, call: NodeCall[R], ctx: CallContext) -> R:
        raise self._error

    async def start(self, node: NodeAddress, call: NodeCall[R], ctx: CallContext) -> TaskId:
        raise self._error

    async def wait(
        self,
        node: NodeAddress,
        task: TaskId,
        kind: type[NodeCall[R]],
        ctx: CallContext,
        progress: object = None,
    ) -> R:
        raise self._error


async def ask(watch: TermWatch, error: Exception, *nodes: NodeAddress) -> None:
    client = WatchedNodes(Refusing(error), watch)
    for node in nodes:
        with pytest.raises(type(error)):
            await client.call(node, VersionCall(), TERM)


async def test_it_is_over_once_more_than_half_refuse_its_term() -> None:
    watch, refusal = TermWatch(lambda: 3), StaleEpoch("obeys term 2", 2)
    await ask(watch, refusal, NODES[0], NODES[0])
    assert not watch.over.is_set()
    await ask(watch, refusal, NODES[1])
    assert watch.over.is_set()


async def test_nodes_that_do_not_answer_end_no_term() -> None:
    watch = TermWatch(lambda: 3)
    await ask(watch, NodeUnreachable("no route"), *NODES)
    assert not watch.over.is_set()
