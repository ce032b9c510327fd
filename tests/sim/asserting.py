"""What tests of Logical Units claim of a simulated cluster."""

import asyncio
import os
from typing import Any, TypeVar

import msgspec
import pytest

from pyganeti.model.errors import ECode, GenericError, OpPrereqError
from pyganeti.opcodes.base import Opcode
from pyganeti.store.interface import Table
from pyganeti.testing.cluster import SimCluster
from pyganeti.testing.nodes import SimNode

OpT = TypeVar("OpT", bound=Opcode)


def make_op(cls: type[OpT], /, **parameters: Any) -> OpT:  # Any: opcode parameters
    """An opcode of which the parameters come from a table of cases."""
    return msgspec.convert(parameters, cls)


async def assert_refused(cluster: SimCluster, op: Opcode, code: ECode, *said: str) -> None:
    """``op`` is refused with ``code``, the message says all of ``said``, and nothing changed."""
    await cluster.master()
    cluster.rpc_changes.clear()
    before = cluster.footprint()
    with pytest.raises(OpPrereqError) as refused:
        await cluster.run(op)
    assert refused.value.code is code, str(refused.value)
    for text in said:
        assert text in str(refused.value)
    assert cluster.rpc_changes == []
    assert cluster.footprint() == before


async def fails(cluster: SimCluster, op: Opcode) -> GenericError:
    """The error with which ``op`` ends."""
    return await failed(cluster, cluster.submit(op))


async def failed(cluster: SimCluster, submitted: "asyncio.Task[int]") -> GenericError:
    """The error with which a job ends that was submitted."""
    with pytest.raises(GenericError) as error:
        await cluster.finished(submitted)
    return error.value


def changes(cluster: SimCluster) -> list[tuple[str, str]]:
    """What jobs changed on nodes, hooks left out."""
    return [change for change in cluster.rpc_changes if change[1] != "hooks_runner"]


def candidate_files(node: SimNode) -> set[str]:
    """What a node has of all that only candidates may have."""
    paths = node.paths
    found = {"ca.key": paths.ca_key, "config.data": paths.config_file, "queue": paths.queue_dir}
    have = {name for name, path in found.items() if os.path.exists(path)}
    return have | ({"database"} if node.backend.keys(Table.CONFIG) else set())
