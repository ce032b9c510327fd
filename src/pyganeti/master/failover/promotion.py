"""The change by which a node becomes the master in its copy of the database. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from pyganeti.master.config import config_writes
from pyganeti.master.deposed import former_masters, former_masters_write
from pyganeti.master.export import CONFIG_HASH, digest
from pyganeti.model.change import Change
from pyganeti.model.codec import encode_config
from pyganeti.model.view import ClusterView
from pyganeti.store.interface import CONFIG_SERIAL, EPOCH, Delete, Put, Table


@dataclass(frozen=True, slots=True)
class Promotion:
    """What is to be written.

    Attributes:
        view: the configuration afterwards.
        writes: one transaction.
        config_data: the exported file.
    """

    view: ClusterView
    writes: tuple[Put | Delete, ...]
    config_data: bytes


def promotion(
    view: ClusterView,
    meta: Mapping[str, bytes],
    name: str,
    *,
    term: int,
    now: float,
    old_config: bytes | None,
) -> Promotion:
    """Make ``name`` the master of ``view``.

    Args:
        view: the newest configuration.
        meta: what the same copy has beside it.
        name: of a candidate.
        term: in which it happens: this copy is newer from now on than any of an older master.
        now: wall clock.
        old_config: the exported file that is there; until the new one is, either is ours.
    """
    new = view.node(name).uuid
    former = (former_masters(meta) | {view.cluster.master_node}) - {new}
    cluster = msgspec.structs.replace(
        view.cluster, master_node=new, serial_no=view.cluster.serial_no + 1, mtime=now
    )
    change = Change(puts=(cluster,))
    after = view.apply(change)
    data = encode_config(after.to_config())
    hashes = [digest(text) for text in (old_config, data) if text is not None]
    writes = (
        *config_writes(change),
        Put(Table.META, CONFIG_SERIAL, str(after.serial).encode()),
        Put(Table.META, CONFIG_HASH, msgspec.json.encode(hashes)),
        Put(Table.META, EPOCH, str(term).encode()),
        former_masters_write(former),
    )
    return Promotion(after, writes, data)
