"""A master whose files are exported to a directory, and what stands in them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from pyganeti.kit.paths import Paths
from pyganeti.master.candidate_files import CandidateFiles
from pyganeti.master.export import Exporter
from pyganeti.master.nodes import NodeWriter
from pyganeti.model.codec import decode_config
from pyganeti.model.enums import TagKind
from pyganeti.model.view import ClusterView
from pyganeti.opcodes.tags import OpTagsSet
from pyganeti.testing.cluster import SimCluster

TAG = OpTagsSet(kind=TagKind.CLUSTER, tags=("blue",))
# Within this, files show what is so: 2 s are promised.
SOON_S = 2.0


def empty_node(directory: Path) -> Paths:
    """Paths of a node that has no state."""
    found = Paths(str(directory), "node1")
    for place in (found.data_dir, found.queue_dir, found.archive_dir):
        Path(place).mkdir(parents=True, exist_ok=True)
    return found


@asynccontextmanager
async def exporting(cluster: SimCluster, paths: Paths) -> AsyncIterator[Exporter]:
    """The master with an exporter beside it."""
    master = await cluster.master()
    candidates = CandidateFiles(
        NodeWriter(master.access), cluster.clock, master.queue, master.other_candidates
    )
    store = master.around.store
    exporter = Exporter(paths, store, master.config, master.queue, cluster.clock, candidates)
    exporter.load(cluster.backend.load())
    master.config.subscribe(lambda *_: exporter.config_changed())
    master.queue.subscribe(exporter.job_changed)
    master.replication.subscribe_returns(candidates.renew)
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(exporter.run()), group.create_task(candidates.run())]
        try:
            yield exporter
        finally:
            for task in tasks:
                task.cancel()


def written(paths: Paths) -> ClusterView:
    return ClusterView.from_config(decode_config(Path(paths.config_file).read_bytes()))


def same_objects(one: ClusterView, other: ClusterView) -> bool:
    kinds = ("cluster", "nodes", "groups", "instances", "disks", "networks", "filters")
    return all(getattr(one, kind) == getattr(other, kind) for kind in kinds)
