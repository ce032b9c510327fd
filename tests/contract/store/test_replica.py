"""A candidate's copy: no gap, no older epoch, the whole when it must be."""

import asyncio

import pytest

from pyganeti.kit.worker import Worker
from pyganeti.model.errors import ConfigurationError, StaleEpoch
from pyganeti.store.backend import Backend
from pyganeti.store.codec import (
    decode_checksums,
    decode_writes,
    encode_checksums,
    encode_pieces,
    encode_writes,
)
from pyganeti.store.interface import EPOCH, SEQ, Delete, Put, Table, Transaction
from pyganeti.store.memory import MemoryBackend
from pyganeti.store.replica import Replica, ReplicaGap
from tests.contract.store.harness import Storage, job


def numbered(*seqs: int) -> list[Transaction]:
    return [Transaction(seq, (job(str(seq)),)) for seq in seqs]


def term(epoch: int) -> Put:
    return Put(Table.META, EPOCH, str(epoch).encode())


async def test_applies_in_order_and_says_where_it_stands(storage: Storage) -> None:
    replica = Replica(storage.open, None)
    assert await replica.state() == (0, 0)
    assert await replica.apply(3, [Transaction(1, (term(3),)), *numbered(2, 3)]) == 3
    assert await replica.state() == (3, 3)
    assert sorted(storage.after_crash().load()[Table.JOB]) == ["2", "3"]


async def test_skips_the_last_when_it_is_repeated(storage: Storage) -> None:
    replica = Replica(storage.open, None)
    await replica.apply(1, numbered(1, 2))
    assert await replica.apply(1, numbered(2, 3)) == 3
    assert await replica.apply(1, numbered(3)) == 3


async def test_takes_a_number_it_has_with_other_content_for_a_gap(storage: Storage) -> None:
    replica = Replica(storage.open, None)
    await replica.apply(1, numbered(1, 2))
    other = Transaction(2, (Put(Table.META, "other", b"1"),))
    with pytest.raises(ReplicaGap):
        await replica.apply(1, [other])
    again = Replica(storage.open, None)
    with pytest.raises(ReplicaGap):
        await again.apply(1, numbered(2))


async def test_refuses_a_gap_and_keeps_what_came_before(storage: Storage) -> None:
    replica = Replica(storage.open, None)
    with pytest.raises(ReplicaGap) as refused:
        await replica.apply(1, numbered(1, 2, 4))
    assert refused.value.args[1] == 2
    assert await replica.state() == (2, 0)
    assert await replica.apply(1, numbered(3, 4)) == 4


async def test_refuses_an_older_epoch(storage: Storage) -> None:
    replica = Replica(storage.open, None)
    await replica.apply(5, [Transaction(1, (term(5),))])
    for call in (replica.apply(4, numbered(2)), replica.load(4, 9, 0, (), is_last=True)):
        with pytest.raises(StaleEpoch) as refused:
            await call
        assert refused.value.args[1] == 5
    assert await replica.state() == (1, 5)


async def test_takes_the_whole_and_goes_on_from_there(storage: Storage) -> None:
    replica = Replica(storage.open, None)
    await replica.apply(1, [Transaction(1, (term(1),)), *numbered(2, 3, 4)])
    await replica.load(2, 2, 0, (term(2),), is_last=False)
    assert await replica.state() == (4, 1)
    await replica.load(2, 2, 1, (Put(Table.ARCHIVE, "9", b"old"),), is_last=True)
    found = storage.after_crash().dump()
    assert found.contents[Table.JOB] == {}
    assert found.contents[Table.ARCHIVE] == {"9": b"old"}
    assert await replica.state() == (2, 2)
    assert await replica.apply(2, numbered(3)) == 3


async def test_of_its_archive_it_loses_only_what_it_is_told(storage: Storage) -> None:
    replica = Replica(storage.open, None)
    rows = [Put(Table.ARCHIVE, key, key.encode()) for key in "123"]
    await replica.apply(1, [Transaction(1, tuple(rows))])
    writes = (Put(Table.ARCHIVE, "3", b"other"), Delete(Table.ARCHIVE, "2"))
    await replica.load(1, 5, 0, writes, is_last=True)
    found = storage.after_crash().dump()
    assert found.contents[Table.ARCHIVE] == {"1": b"1", "3": b"other"}


async def test_parts_that_do_not_follow_are_refused(storage: Storage) -> None:
    replica = Replica(storage.open, None)
    await replica.apply(1, numbered(1))
    await replica.load(1, 5, 0, (job("a"),), is_last=False)
    for epoch, seq, part in ((1, 5, 2), (1, 6, 1), (2, 5, 1)):
        with pytest.raises(ReplicaGap):
            await replica.load(epoch, seq, part, (), is_last=True)
    await replica.close()
    with pytest.raises(ReplicaGap):
        await replica.load(1, 5, 1, (), is_last=True)
    assert await replica.state() == (1, 0)


async def test_a_load_that_was_given_up_leaves_nothing_for_the_next(storage: Storage) -> None:
    replica = Replica(storage.open, None)
    await replica.load(1, 5, 0, (job("given up"),), is_last=False)
    await replica.load(1, 6, 0, (job("kept"),), is_last=True)
    assert list(storage.after_crash().load()[Table.JOB]) == ["kept"]


async def test_checksums_come_in_pages(storage: Storage) -> None:
    replica = Replica(storage.open, None)
    rows = [Put(Table.ARCHIVE, str(number), b"x") for number in range(5)]
    await replica.apply(1, [Transaction(1, (*rows, job("7")))])
    first = await replica.checksums("", 3)
    assert list(first) == ["0", "1", "2"]
    rest = await replica.checksums("2", 3)
    assert list(rest) == ["3", "4"]
    assert len({*first.values(), *rest.values()}) == 5


async def test_opens_late_and_again_after_close(storage: Storage) -> None:
    opened: list[Backend] = []

    def open_backend() -> Backend:
        opened.append(storage.open())
        return opened[-1]

    replica = Replica(open_backend, None)
    await replica.close()
    assert opened == []
    await replica.apply(1, numbered(1))
    await replica.close()
    await replica.close()
    assert await replica.state() == (1, 0)
    assert len(opened) == 2


async def test_calls_at_the_same_time_take_turns(storage: Storage) -> None:
    with Worker("replica") as worker:
        replica = Replica(storage.open, worker)
        async with asyncio.TaskGroup() as group:
            for seq in range(1, 21):
                group.create_task(replica.apply(1, numbered(seq)))
            group.create_task(replica.state())
        assert await replica.state() == (20, 0)
        await replica.close()


@pytest.mark.parametrize("known", [0, 3, 10])
async def test_a_snapshot_brings_a_copy_what_it_lacks(storage: Storage, known: int) -> None:
    source, target = storage.open(), MemoryBackend()
    rows = [Put(Table.ARCHIVE, f"ü{number}", b"\x00\xff") for number in range(10)]
    source.apply(Transaction(1, (job("1"), Put(Table.META, EPOCH, b"1"), *rows)))
    target.apply(Transaction(1, (job("2"), Put(Table.ARCHIVE, "gone", b""), *rows[:known])))
    snapshot = source.snapshot()
    source.apply(Transaction(2, (job("3"), Delete(Table.ARCHIVE, "ü1"))))
    pieces = list(encode_pieces(snapshot.writes(target.checksums(Table.ARCHIVE, "", 99)), 1))
    for part, piece in enumerate(pieces):
        replica_writes = decode_writes(piece)
        target.stage(replica_writes)
        # Here are the archived jobs that it has, not all once more.
        assert not any(row in replica_writes for row in rows[:known]), part
    target.take_staged(snapshot.seq)
    snapshot.close()
    assert sorted(target.load()[Table.JOB]) == ["1"]
    assert target.keys(Table.ARCHIVE) == sorted(row.key for row in rows)
    assert target.read(Table.META, SEQ) == b"1"


async def read_all(replica: Replica, table: Table) -> tuple[dict[str, bytes], int]:
    """All records of a table page by page, and how many pages there were."""
    rows, pages, more = dict[str, bytes](), 0, True
    while more:
        page = await replica.page(table, max(rows, default=""))
        assert (page.seq, page.epoch) == (1, 3)
        rows |= page.rows
        pages, more = pages + 1, page.more
    return rows, pages


@pytest.mark.parametrize(
    ("count", "size", "least"), [(0, 1, 1), (7, 1, 1), (1200, 1, 3), (9, 2**20, 3)]
)
async def test_a_table_is_read_in_pages(
    storage: Storage, count: int, size: int, least: int
) -> None:
    replica = Replica(storage.open, None)
    rows = [Put(Table.ARCHIVE, f"ü{number}", b"x" * size) for number in range(count)]
    await replica.apply(3, [Transaction(1, (term(3), *rows))])
    found, pages = await read_all(replica, Table.ARCHIVE)
    is_same = found == {row.key: row.value for row in rows}
    assert is_same
    assert pages >= least
    assert (await read_all(replica, Table.JOB))[0] == {}
    await replica.close()


async def test_records_are_read_by_key(storage: Storage) -> None:
    replica = Replica(storage.open, None)
    await replica.apply(3, [Transaction(1, (term(3), job("1", b"a"), job("2", b"b")))])
    page = await replica.page(Table.JOB, "", ["2", "9"])
    assert (page.rows, page.more) == ({"2": b"b"}, False)
    large = [Put(Table.ARCHIVE, str(number), b"x" * 2**21) for number in range(4)]
    await replica.apply(3, [Transaction(2, tuple(large))])
    page = await replica.page(Table.ARCHIVE, "", ["0", "1", "2", "3"])
    assert (sorted(page.rows), page.more) == (["0", "1"], True)
    await replica.close()


def test_checksums_travel_as_bytes() -> None:
    assert decode_checksums(encode_checksums({"ü": 2**32 - 1})) == {"ü": 2**32 - 1}


def test_writes_travel_as_bytes() -> None:
    writes = (job("1", b""), Delete(Table.CONFIG, "node/ü"), Put(Table.META, "x", b"\xff\x00"))
    assert decode_writes(encode_writes(writes)) == writes


@pytest.mark.parametrize(
    "data", [b"", b"\xff", b"\x91\x93\xa1x", b"\x91\x93\xa3xyz\xa1a\xc0", b"{}"]
)
def test_what_is_no_message_is_refused(data: bytes) -> None:
    for decode in (decode_writes, decode_checksums):
        with pytest.raises(ConfigurationError, match="malformed"):
            decode(data)
