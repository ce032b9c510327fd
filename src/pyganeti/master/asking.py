"""Asking several nodes at once, before there is a master: for votes, terms and copies."""

import asyncio
from collections.abc import Iterable
from typing import Final

from pyganeti.model.errors import CallTimeout, GenericError
from pyganeti.wire.noderpc.call import CallContext, NodeAddress, NodeCall, NodeClient, R

# One that hangs must not hold up a decision that the others can make.
ANSWER_S: Final = 10.0


async def ask_all(
    client: NodeClient,
    nodes: Iterable[NodeAddress],
    call: NodeCall[R],
    ctx: CallContext,
    *,
    limit_s: float = ANSWER_S,
) -> dict[str, R | GenericError]:
    """Make ``call`` on all ``nodes``; the answer or the error of each, by name.

    Args:
        client: makes calls.
        nodes: whom to ask.
        call: what to ask.
        ctx: who asks.
        limit_s: how long a node is waited for.
    """

    async def ask(node: NodeAddress) -> R | GenericError:
        try:
            async with asyncio.timeout(limit_s):
                return await client.call(node, call, ctx)
        except TimeoutError:
            return CallTimeout(f"node {node.name}: no answer in {limit_s:g} s")
        except GenericError as err:
            return err

    async with asyncio.TaskGroup() as group:
        tasks = {node.name: group.create_task(ask(node)) for node in nodes}
    return {name: task.result() for name, task in tasks.items()}
