"""Ends what former masters still run, once they can be reached.

A master that did not answer while another one took over may come back with its daemons and the
cluster's address. It can change nothing any more; this makes it an ordinary candidate. The list
lies in the database, put there by the takeover. See ``docs/design/0014-master-failover.md``.
"""

import logging
from collections.abc import Callable, Collection, Mapping
from typing import Final

import msgspec

from pyganeti.kit.clock import Clock
from pyganeti.master.config import ConfigState
from pyganeti.master.master_ip import deactivate_call
from pyganeti.master.nodes import NodeWriter
from pyganeti.model.errors import GenericError
from pyganeti.store.interface import Batch, Contents, Delete, Put, Store, Table
from pyganeti.wire.noderpc.node import NodeStopMasterCall

_log = logging.getLogger(__name__)

FORMER_MASTERS: Final = "former_masters"
RETRY_S: Final = 10.0


def former_masters(meta: Mapping[str, bytes]) -> frozenset[str]:
    """UUIDs of the nodes that were the master and have not been told to end it."""
    return frozenset(msgspec.json.decode(meta.get(FORMER_MASTERS, b"[]"), type=list[str]))


def former_masters_write(nodes: Collection[str]) -> Put | Delete:
    """What remembers them."""
    if not nodes:
        return Delete(Table.META, FORMER_MASTERS)
    return Put(Table.META, FORMER_MASTERS, msgspec.json.encode(sorted(nodes)))


class FormerMasters:
    """The nodes that have to be told.

    Args:
        store: keeps the list.
        nodes: makes the calls.
        clock: for the pauses between tries.
        config: gives the snapshot.
    """

    def __init__(self, store: Store, nodes: NodeWriter, clock: Clock, config: ConfigState) -> None:
        self._store = store
        self._nodes = nodes
        self._clock = clock
        self._config = config
        self._left: frozenset[str] = frozenset()
        self._on_end: list[Callable[[str], None]] = []

    def subscribe(self, listener: Callable[[str], None]) -> None:
        """Call ``listener`` with the UUID of each that runs no master daemon any more."""
        self._on_end.append(listener)

    def load(self, contents: Contents) -> None:
        """Take up the list."""
        self._left = former_masters(contents[Table.META])

    @property
    def are_left(self) -> bool:
        """Whether this master took over, and not everybody has been told."""
        return bool(self._left)

    async def run(self) -> None:
        """Tell all of them; a task of masterd that ends when it is done."""
        while self._left:
            settled = {node for node in self._left if await self._is_settled(node)}
            if settled:
                for node in settled:
                    for listener in self._on_end:
                        listener(node)
                self._left -= settled
                await self._store.commit(Batch((former_masters_write(self._left),)))
            else:
                await self._clock.sleep(RETRY_S)

    async def _is_settled(self, node: str) -> bool:
        view = self._config.view
        known = view.nodes.get(node)
        if known is None or view.is_master(known):
            return True
        try:
            await self._nodes.call(node, NodeStopMasterCall())
            await self._nodes.call(node, deactivate_call(view.cluster))
        except GenericError as err:
            _log.info("former master %s cannot be told to end yet: %s", known.name, err)
            return False
        _log.info("former master %s runs no master daemon and has not the address", known.name)
        return True
