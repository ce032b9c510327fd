"""A candidate's copy: no gap, no older epoch, the whole when it must be."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest

from pyganeti.model.errors import ConfigurationError, StaleEpoch
from pyganeti.store.backend import Backend
from pyganeti.store.codec import decode_dump, decode_writes, encode_dump, encode_writes
from pyganeti.store.interface import EPOCH, Delete, Dump, Put, Table, Transaction
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
    for call in (replica.apply(4, numbered(2)), replica.load(4, Dump(9, {}))):
        with pytest.raises(StaleEpoch) as refused:
            await call
        assert refused.value.args[1] == 5
    assert await replica.state() == (1, 5)


async def test_takes_the_whole_and_goes_on_from_there(storage: Storage) -> None:
    replica = Replica(storage.open, None)
    await replica.apply(1, [Transaction(1, (term(1),)), *numbered(2, 3, 4)])
    whole = Dump(2, {Table.META: {EPOCH: b"2"}, Table.ARCHIVE: {"9": b"old"}})
    assert await replica.load(2, whole) == 2
    found = storage.after_crash().dump()
    assert found.contents[Table.JOB] == {}
    assert found.contents[Table.ARCHIVE] == {"9": b"old"}
    assert await replica.state() == (2, 2)
    assert await replica.apply(2, numbered(3)) == 3


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
    with ThreadPoolExecutor(1) as executor:
        replica = Replica(storage.open, executor)
        async with asyncio.TaskGroup() as group:
            for seq in range(1, 21):
                group.create_task(replica.apply(1, numbered(seq)))
            group.create_task(replica.state())
        assert await replica.state() == (20, 0)
        await replica.close()


async def test_a_dump_travels_as_bytes(storage: Storage) -> None:
    source = storage.open()
    source.apply(Transaction(1, (job("1", b"\x00\xff"), Put(Table.ARCHIVE, "ü", b""))))
    dump = source.dump()
    assert decode_dump(dump.seq, encode_dump(dump)) == dump


def test_writes_travel_as_bytes() -> None:
    writes = (job("1", b""), Delete(Table.CONFIG, "node/ü"), Put(Table.META, "x", b"\xff\x00"))
    assert decode_writes(encode_writes(writes)) == writes


@pytest.mark.parametrize(
    "data", [b"", b"\xff", b"\x91\x93\xa1x", b"\x91\x93\xa3xyz\xa1a\xc0", b"{}"]
)
def test_what_is_no_message_is_refused(data: bytes) -> None:
    for decode in (decode_writes, lambda text: decode_dump(1, text)):
        with pytest.raises(ConfigurationError, match="malformed"):
            decode(data)
