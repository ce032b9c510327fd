"""The seven promises of docs/design/0001-state.md, on every backend.

Damage (6) and full disks (7) need files: ``test_sqlite_damage.py``, ``test_sqlite_full.py``.
Durability against power is in ``tests/e2e/powercut``.
"""

import asyncio

import pytest

from pyganeti.model.errors import ConfigurationError, StoreConflict, StoreFenced
from pyganeti.store.interface import CONFIG_SERIAL, SEQ, Delete, Put, Table
from tests.contract.store.harness import CountingBackend, Storage, batch, committing, job


async def test_what_was_committed_is_there_after_a_crash(storage: Storage) -> None:
    async with committing(storage) as store:
        await store.commit(batch(job("1", b"one"), job("2", b"two")))
        await store.commit(batch(Delete(Table.JOB, "1"), Put(Table.CONFIG, "node/a", b"\x00\xff")))
        found = storage.after_crash().load()
    assert found[Table.JOB] == {"2": b"two"}
    assert found[Table.CONFIG] == {"node/a": b"\x00\xff"}
    assert found[Table.META][SEQ] == b"2"


async def test_a_clean_stop_keeps_everything(storage: Storage) -> None:
    async with committing(storage) as store:
        await store.commit(batch(job("1", b"one")))
    async with committing(storage) as again:
        assert await again.read(Table.JOB, "1") == b"one"
        assert again.seq == 1


async def test_a_later_write_of_the_same_key_wins(storage: Storage) -> None:
    async with committing(storage) as store:
        await store.commit(batch(job("1", b"a"), Delete(Table.JOB, "1"), job("1", b"b")))
        await store.commit(batch(job("2"), Delete(Table.JOB, "2"), Delete(Table.JOB, "none")))
        assert await store.keys(Table.JOB) == ["1"]
        assert await store.read(Table.JOB, "1") == b"b"
        assert await store.read(Table.JOB, "2") is None


async def test_a_refused_transaction_leaves_nothing(storage: Storage) -> None:
    backend = CountingBackend(storage.open())
    async with committing(storage, backend) as store:
        backend.refuse = ConfigurationError("no space left")
        with pytest.raises(ConfigurationError, match="no space left"):
            await store.commit(batch(job("1"), job("2"), base=0))
        assert storage.after_crash().load()[Table.JOB] == {}
        await store.commit(batch(job("3"), base=0))
        assert list(storage.after_crash().load()[Table.JOB]) == ["3"]


async def test_batches_take_effect_in_the_order_of_the_calls(storage: Storage) -> None:
    told: list[int] = []

    async with committing(storage) as store:

        async def put(number: int) -> None:
            await store.commit(batch(job("same", str(number).encode()), job(f"{number:03}")))
            told.append(number)

        async with asyncio.TaskGroup() as group:
            for number in range(600):
                group.create_task(put(number))
        assert await store.read(Table.JOB, "same") == b"599"
    assert told == list(range(600))


async def test_compare_and_set_lets_one_of_two_win(storage: Storage) -> None:
    async with committing(storage) as store:
        results = await asyncio.gather(
            store.commit(batch(job("a"), base=0)),
            store.commit(batch(job("b"), base=0)),
            store.commit(batch(job("c"))),
            store.commit(batch(job("d"), base=1)),
            return_exceptions=True,
        )
        found = storage.after_crash().load()
    assert [type(result) for result in results] == [
        type(None),
        StoreConflict,
        type(None),
        type(None),
    ]
    assert sorted(found[Table.JOB]) == ["a", "c", "d"]
    assert found[Table.META][CONFIG_SERIAL] == b"2"


async def test_compare_and_set_holds_across_restarts(storage: Storage) -> None:
    async with committing(storage) as store:
        await store.commit(batch(job("a"), base=0))
    async with committing(storage) as store:
        with pytest.raises(StoreConflict):
            await store.commit(batch(job("b"), base=0))
        await store.commit(batch(job("b"), base=1))


async def test_a_higher_term_fences_a_handle_that_does_not_know_of_it(storage: Storage) -> None:
    async with committing(storage) as old:
        await old.take_term(1)
        await old.commit(batch(job("old")))
        async with committing(storage) as new:
            await new.take_term(2)
            with pytest.raises(StoreFenced):
                await old.commit(batch(job("late")))
            await new.commit(batch(job("new")))
            with pytest.raises(StoreFenced):
                await old.commit(batch(job("later")))
            assert await new.keys(Table.JOB) == ["new", "old"]


async def test_a_replaced_store_fences_the_handle_that_wrote_before(storage: Storage) -> None:
    async with committing(storage) as old:
        await old.take_term(1)
        other = storage.open()
        dump = other.dump()
        # The new master's contents happen to have the very number that the old one knows.
        dump.contents[Table.META]["epoch"] = b"2"  # type: ignore[index]  # a copy of our own
        other.restore(dump)
        with pytest.raises(StoreFenced, match="term 2"):
            await old.commit(batch(job("late")))


async def test_a_term_can_be_taken_once_and_never_a_lower_one(storage: Storage) -> None:
    async with committing(storage) as first, committing(storage) as second:
        await first.take_term(5)
        for epoch in (4, 5):
            with pytest.raises(StoreFenced):
                await first.take_term(epoch)
            with pytest.raises(StoreFenced):
                await second.take_term(epoch)
        await first.commit(batch(job("1")))
    async with committing(storage, epoch=4) as third:
        with pytest.raises(StoreFenced):
            await third.commit(batch(job("2")))
        await third.take_term(6)
        await third.commit(batch(job("3")))
        assert await third.keys(Table.JOB) == ["1", "3"]


async def test_archived_jobs_are_not_loaded_but_can_be_read(storage: Storage) -> None:
    async with committing(storage) as store:
        await store.commit(batch(Put(Table.ARCHIVE, "7", b"old"), Put(Table.ARCHIVE, "10", b"x")))
        contents = await store.load()
        assert Table.ARCHIVE not in contents
        assert await store.keys(Table.ARCHIVE) == ["10", "7"]
        assert await store.read(Table.ARCHIVE, "7") == b"old"
        found = await store.read_many(Table.ARCHIVE, ["7", "8", "10"])
        assert found == {"7": b"old", "10": b"x"}
        assert await store.read_many(Table.JOB, ["7"]) == {}
        assert await store.read_many(Table.ARCHIVE, []) == {}


def test_a_dump_restores_everything_elsewhere(storage: Storage) -> None:
    from pyganeti.store.interface import Transaction

    backend = storage.open()
    backend.apply(Transaction(1, (job("1", b"a"), Put(Table.ARCHIVE, "0", b"z"))))
    dump = backend.dump()
    backend.apply(Transaction(2, (job("2"), Delete(Table.ARCHIVE, "0"))))
    backend.restore(dump)
    assert backend.dump() == dump
    assert backend.read(Table.META, SEQ) == b"1"
    # Numbers go on from the restored one, in this process and in the next.
    backend.apply(Transaction(2, (job("3"),)))
    assert sorted(storage.after_crash().load()[Table.JOB]) == ["1", "3"]


def test_a_transaction_out_of_turn_is_refused(storage: Storage) -> None:
    from pyganeti.store.interface import Transaction

    backend = storage.open()
    backend.apply(Transaction(1, (job("1"),)))
    for seq in (1, 3):
        with pytest.raises(StoreFenced):
            backend.apply(Transaction(seq, (job("2"),)))
    assert backend.keys(Table.JOB) == ["1"]
