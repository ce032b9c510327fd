"""Asking an allocator: states of the nodes -> its program on the master -> its answer.

Source: Ganeti's allocator protocol; docs/design/0011-allocators.md.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

import msgspec

from pyganeti.master.nodes import NodeReader
from pyganeti.master.query.live import storage_units
from pyganeti.model.errors import ECode, GenericError, OpExecError, OpPrereqError
from pyganeti.model.view import ClusterView
from pyganeti.wire.noderpc.allocator import IallocatorRunnerCall
from pyganeti.wire.noderpc.guests import GuestInfo
from pyganeti.wire.noderpc.instance import AllInstancesInfoCall
from pyganeti.wire.noderpc.node import NodeInfoCall
from pyganeti.wire.noderpc.struct import Params

from .input import NodeState, allocator_input
from .requests import Request

Found = TypeVar("Found")

# Stands for the cluster's default one.
_DEFAULT: Final = "."


class Answer(msgspec.Struct, frozen=True):
    """What an allocator prints; ``nodes`` is the old name of ``result``. Any: not read yet."""

    success: bool
    info: str = ""
    result: Any = None
    nodes: Any = None


@dataclass(frozen=True, slots=True)
class Advice(Generic[Found]):
    """What an allocator said.

    Attributes:
        found: its answer.
        allocator: its name.
        info: its own words.
        silent: names of nodes that did not answer, which it took for offline.
    """

    found: Found
    allocator: str
    info: str
    silent: tuple[str, ...]

    @property
    def warnings(self) -> tuple[str, ...]:
        """What the job's log says of silent nodes."""
        text = "does not answer, nothing comes to it"
        return tuple(f"Warning: node {name} {text}" for name in self.silent)


def chosen_allocator(name: str | None, view: ClusterView) -> str:
    """The allocator that was asked for, or else the cluster's.

    Raises:
        OpPrereqError: ``ECode.INVAL``, there is none.
    """
    chosen = view.cluster.default_iallocator if name in (None, "", _DEFAULT) else name
    if not chosen:
        text = "no allocator was given, and the cluster has no default one: name it with -I"
        raise OpPrereqError(text, ECode.INVAL)
    return chosen


async def ask(
    nodes: NodeReader,
    view: ClusterView,
    name: str | None,
    request: Request[Found],
    what: str,
    *,
    options: Sequence[str] = (),
) -> Advice[Found]:
    """Let an allocator answer ``request``.

    Args:
        nodes: asks them.
        view: the cluster.
        name: of the allocator, if one was given.
        request: the question.
        what: is to be found out, for messages.
        options: for the allocator, beside those that the cluster has for all.

    Raises:
        OpPrereqError: ``ECode.NORES``, it found no answer; ``ECode.ENVIRON``, it does not work.
    """
    allocator = chosen_allocator(name, view)
    told, silent = await tell(nodes, view, request)
    try:
        said = await run_allocator(nodes, view, allocator, told, options=options)
        answer = _parsed(said)
        if answer.success:
            result = answer.nodes if answer.result is None else answer.result
            return Advice(request.read(result, view), allocator, answer.info, silent)
    except GenericError as err:
        text = f"allocator {allocator!r} cannot say {what}: {err}"
        raise OpPrereqError(text, ECode.ENVIRON) from err
    text = f"allocator {allocator!r} finds no {what}: {answer.info}"
    raise OpPrereqError(text, ECode.NORES)


async def tell(
    nodes: NodeReader, view: ClusterView, request: Request[Any]
) -> tuple[str, tuple[str, ...]]:
    """What an allocator reads, and the names of nodes that did not answer. Any: not asked yet."""
    hypervisor = str(request.hypervisor or view.cluster.enabled_hypervisors[0])
    states = await _states(nodes, view, hypervisor)
    told = json.dumps(allocator_input(view, states, request.asked(view)))
    silent = (
        node.name for node in view.online_nodes() if node.vm_capable and node.uuid not in states
    )
    return told, tuple(sorted(silent))


async def run_allocator(
    nodes: NodeReader,
    view: ClusterView,
    allocator: str,
    told: str,
    *,
    options: Sequence[str] = (),
) -> str:
    """What an allocator prints, on the master; arguments as of :func:`ask`.

    Raises:
        OpExecError: there is none of this name, or it does not work.
    """
    call = IallocatorRunnerCall(name=allocator, idata=told, options=(*_options(view), *options))
    return await nodes.call(view.cluster.master_node, call)


def _options(view: ClusterView) -> tuple[str, ...]:
    """The cluster's parameters of allocators, as options."""
    params = sorted(view.cluster.default_iallocator_params.items())
    return tuple(f"--{key}" if value in (None, "") else f"--{key}={value}" for key, value in params)


def _parsed(said: str) -> Answer:
    try:
        return msgspec.json.decode(said, type=Answer)
    except msgspec.DecodeError as err:
        text = f"it does not answer as allocators do ({err}): {said[:200]!r}"
        raise OpExecError(text) from err


async def _states(nodes: NodeReader, view: ClusterView, hypervisor: str) -> dict[str, NodeState]:
    """What nodes say, those that are to be asked and answer."""
    params: Params = dict(view.cluster.hvparams.get(hypervisor, {}))
    asked = [node.uuid for node in view.online_nodes() if node.vm_capable]
    infos = await nodes.call_each(
        {
            uuid: NodeInfoCall(
                storage_units=storage_units(view, view.nodes[uuid])[:1],
                hypervisors={hypervisor: params},
            )
            for uuid in asked
        }
    )
    guests = await nodes.call_all(
        asked, AllInstancesInfoCall(hypervisors=(hypervisor,), hvparams={hypervisor: params})
    )
    found = {}
    for uuid, said in infos.items():
        if isinstance(said, GenericError):
            continue
        storage = said.storage[0] if said.storage else None
        found[uuid] = NodeState(said.hypervisors.get(hypervisor), storage, _guests(guests[uuid]))
    return found


def _guests(said: Mapping[str, GuestInfo] | GenericError) -> Mapping[str, GuestInfo]:
    return {} if isinstance(said, GenericError) else said
