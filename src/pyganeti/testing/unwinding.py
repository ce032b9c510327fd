"""Checks that an operation unwinds, or can be repeated, from every fault point it has."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any

from pyganeti.model.errors import GenericError
from pyganeti.opcodes.base import Opcode
from pyganeti.store.interface import Table
from pyganeti.testing.cluster import SimCluster
from pyganeti.testing.faults import Fault, Point

Make = Callable[[], SimCluster]


async def points_of(make: Make, op: Opcode, after: Sequence[Opcode] = ()) -> list[Point]:
    """The fault points of ``op`` when nothing goes wrong.

    Raises:
        AssertionError: it has none, or it fails by itself.
    """
    cluster = await _made(make, after)
    cluster.faults.arm(None)
    await cluster.run(op)
    points = list(cluster.faults.points)
    await cluster.kill_master()
    assert points, f"{op.summary()} changes nothing: nothing to unwind"
    return points


def _faults(points: list[Point]) -> list[tuple[Fault, Point]]:
    return [
        (Fault(number, kind), point) for number, point in enumerate(points) for kind in point.kinds
    ]


async def assert_unwinds(
    make: Make,
    op: Opcode,
    *,
    after: Sequence[Opcode] = (),
    keeps: Mapping[str, str] | None = None,
    spares: Mapping[str, str] | None = None,
    may_stand: bool = False,
) -> None:
    """After any single fault, ``op`` has happened wholly or not at all, and nothing is left over.

    Args:
        make: a new cluster in the starting state.
        op: the operation.
        after: operations that come before it, unharmed.
        keeps: paths of the footprint that may stay changed after a failure, each with the reason.
        spares: paths that may be otherwise although it succeeded, each with the reason.
        may_stand: one that failed may have happened all the same: it has a point of no return.

    Raises:
        AssertionError: names fault and difference.
    """
    wanted = await _footprint_after(make, op, after)
    for fault, point in _faults(await points_of(make, op, after)):
        cluster = await _made(make, after)
        before = cluster.footprint()
        failed = await _attempt(cluster, op, fault)
        where = f"{op.summary()} with fault {fault.at} ({point.what}: {fault.kind})"
        await _settle(cluster, where)
        found = cluster.footprint()
        if failed is None:
            _compare(wanted, found, spares or {}, f"{where}, which succeeded")
        elif not (may_stand and _is_same(wanted, found, spares or {})):
            _compare(before, found, keeps or {}, f"{where}, which failed: {failed}")
        await cluster.kill_master()


async def assert_repeatable(make: Make, op: Opcode, *, after: Sequence[Opcode] = ()) -> None:
    """After any single fault, ``op`` asked for again succeeds and leads where it leads unharmed.

    For operations that have no undo, since half of them is nearer to what was asked for. Arguments
    as of :func:`assert_unwinds`.

    Raises:
        AssertionError: names fault and difference.
    """
    wanted = await _footprint_after(make, op, after)
    for fault, point in _faults(await points_of(make, op, after)):
        cluster = await _made(make, after)
        failed = await _attempt(cluster, op, fault)
        where = f"{op.summary()} with fault {fault.at} ({point.what}: {fault.kind})"
        await _settle(cluster, where)
        if failed is not None:
            try:
                await cluster.run(op)
            except GenericError as err:
                # It may have come to its end all the same: then it cannot be asked for again.
                where = f"{where}, asked for again and refused: {err}"
        _compare(wanted, cluster.footprint(), {}, where)
        await cluster.kill_master()


async def interrupted(
    make: Make, op: Opcode, *, after: Sequence[Opcode] = ()
) -> AsyncIterator[tuple[SimCluster, str]]:
    """A cluster after each fault that ``op`` can meet, and which it was.

    What was left has not been tried again; the operation may have succeeded all the same.

    Args:
        make: makes a fresh cluster.
        op: what is interrupted.
        after: what is done before it.
    """
    for fault, point in _faults(await points_of(make, op, after)):
        cluster = await _made(make, after)
        await _attempt(cluster, op, fault)
        yield cluster, f"{point.what}: {fault.kind}"
        await cluster.kill_master()


async def _made(make: Make, after: Sequence[Opcode]) -> SimCluster:
    cluster = make()
    await cluster.master()
    for earlier in after:
        await cluster.run(earlier)
    return cluster


async def _footprint_after(make: Make, op: Opcode, after: Sequence[Opcode]) -> dict[str, object]:
    cluster = await _made(make, after)
    await cluster.run(op)
    found = cluster.footprint()
    await cluster.kill_master()
    return found


async def _attempt(cluster: SimCluster, op: Opcode, fault: Fault) -> GenericError | None:
    cluster.faults.arm(fault)
    try:
        await cluster.run(op)
    except GenericError as err:
        return err
    finally:
        cluster.faults.disarm()
    return None


async def _settle(cluster: SimCluster, where: str) -> None:
    """Leftovers are tried again; then neither they nor a journal may be there."""
    master = await cluster.master()
    await master.scheduler.idle()
    await master.leftovers.retry()
    for table in (Table.JOURNAL, Table.LEFTOVER):
        left = cluster.backend.keys(table)
        assert not left, f"{where}: {table} still holds {left}"
    held = master.locks.states()
    assert not held, f"{where}: locks are still held: {held}"


def _compare(
    wanted: Mapping[str, object], found: Mapping[str, object], keeps: Mapping[str, str], where: str
) -> None:
    differences = _differences(wanted, found, keeps)
    assert not differences, f"{where}: {differences}"


def _is_same(
    wanted: Mapping[str, object], found: Mapping[str, object], keeps: Mapping[str, str]
) -> bool:
    return not _differences(wanted, found, keeps)


def _differences(
    wanted: Mapping[str, object], found: Mapping[str, object], keeps: Mapping[str, str]
) -> dict[str, Any]:  # Any: pairs of values, for the message
    return {
        path: (wanted.get(path), found.get(path))
        for path in sorted({*wanted, *found})
        if wanted.get(path) != found.get(path) and path not in keeps
    }
