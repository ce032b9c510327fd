"""A master that most voters refuse for its term knows that it is over."""

import pytest

from pyganeti.master.superseded import TermWatch
from pyganeti.model.errors import NodeUnreachable, StaleEpoch
from pyganeti.wire.noderpc.call import CallContext, NodeAddress, NodeCall, R, TaskId
from pyganeti.wire.noderpc.node import VersionCall

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


async def ask(watch: TermWatch, *nodes: NodeAddress) -> None:
    for node in nodes:
        with pytest.raises((StaleEpoch, NodeUnreachable)):
            await watch.call(node, VersionCall(), TERM)


async def test_it_is_over_once_more_than_half_refuse_its_term() -> None:
    watch = TermWatch(Refusing(StaleEpoch("obeys term 2", 2)), lambda: 3)
    await ask(watch, NODES[0], NODES[0])
    assert not watch.over.is_set()
    await ask(watch, NODES[1])
    assert watch.over.is_set()


async def test_nodes_that_do_not_answer_end_no_term() -> None:
    watch = TermWatch(Refusing(NodeUnreachable("no route")), lambda: 3)
    await ask(watch, *NODES)
    assert not watch.over.is_set()
