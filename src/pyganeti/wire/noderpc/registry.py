"""All node calls by the name they have on the wire. A noun's page lists its own."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from . import (
    allocator,
    backup,
    blockdev,
    certificates,
    copying,
    files,
    instance,
    migration,
    node,
    os,
    power,
    remote,
    ssh,
    store,
    task,
    transfer,
    units,
)
from .call import AnyCall

ALL_CALLS: Final[tuple[type[AnyCall], ...]] = (
    *allocator.CALLS,
    *backup.CALLS,
    *blockdev.CALLS,
    *certificates.CALLS,
    *copying.CALLS,
    *files.CALLS,
    *instance.CALLS,
    *migration.CALLS,
    *node.CALLS,
    *os.CALLS,
    *power.CALLS,
    *remote.CALLS,
    *ssh.CALLS,
    *store.CALLS,
    *task.CALLS,
    *transfer.CALLS,
    *units.CALLS,
)

CALLS: Final[Mapping[str, type[AnyCall]]] = MappingProxyType(
    {call.procedure: call for call in ALL_CALLS}
)
