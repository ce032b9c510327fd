"""How commits travel: groups, cancelled callers, replication, the end."""

import asyncio
from collections.abc import Callable

import pytest

from pyganeti.model.errors import ConfigurationError, StoreConflict
from pyganeti.store.backend import Snapshot
from pyganeti.store.committer import Committer
from pyganeti.store.interface import SEQ, Put, Table, Transaction
from tests.contract.store.harness import CountingBackend, Storage, batch, committing, job, start


class Candidates:
    """Remembers what it was sent; answers when ``may_answer`` is set."""

    def __init__(self) -> None:
        self.sent: list[Transaction] = []
        self.was_sent = asyncio.Event()
        self.may_answer = asyncio.Event()
        self.may_answer.set()
        self.on_send: Callable[[], None] = lambda: None

    async def send(self, transaction: Transaction) -> None:
        """See ``Replication``."""
        self.sent.append(transaction)
        self.on_send()
        self.was_sent.set()
        await self.may_answer.wait()


async def test_commits_that_wait_together_share_a_transaction(storage: Storage) -> None:
    backend = CountingBackend(storage.open())
    async with committing(storage, backend) as store:
        async with asyncio.TaskGroup() as group:
            for number in range(200):
                group.create_task(store.commit(batch(job(str(number)))))
        assert len(backend.applied) <= 2
        assert store.seq == len(backend.applied)
        assert len(await store.keys(Table.JOB)) == 200


async def test_a_refusal_concerns_its_batch_alone(storage: Storage) -> None:
    backend = CountingBackend(storage.open())
    async with committing(storage, backend) as store:
        tasks = [
            start(store.commit(batch(job(str(number)), base=number // 2))) for number in range(20)
        ]
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert [type(result) for result in results] == [type(None), StoreConflict] * 10
        assert len(backend.applied) == 1


async def test_a_transaction_that_fails_is_told_to_all_in_it(storage: Storage) -> None:
    backend = CountingBackend(storage.open())
    async with committing(storage, backend) as store:
        backend.refuse = ConfigurationError("no space left")
        results = await asyncio.gather(
            *(store.commit(batch(job(str(number)))) for number in range(5)), return_exceptions=True
        )
        assert [str(result) for result in results] == ["no space left"] * 5
        assert len({id(result) for result in results}) == 5
        assert store.seq == 0


async def test_a_cancelled_caller_does_not_take_its_batch_back(storage: Storage) -> None:
    async with committing(storage) as store:
        task = start(store.commit(batch(job("1"), base=0)))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await store.commit(batch(job("2"), base=1))
        assert await store.keys(Table.JOB) == ["1", "2"]


async def test_a_cancelled_caller_whose_batch_is_refused_disturbs_nobody(storage: Storage) -> None:
    async with committing(storage) as store:
        task = start(store.commit(batch(job("1"), base=7)))
        await asyncio.sleep(0)
        task.cancel()
        await store.commit(batch(job("2")))
        assert task.cancelled()
        assert await store.keys(Table.JOB) == ["2"]


async def test_durable_here_before_it_is_sent_and_sent_before_it_is_acknowledged(
    storage: Storage,
) -> None:
    candidates, here = Candidates(), list[list[str]]()
    candidates.may_answer.clear()
    async with committing(storage, replication=candidates) as store:
        candidates.on_send = lambda: here.append(sorted(storage.after_crash().load()[Table.JOB]))
        task = start(store.commit(batch(job("1"))))
        await candidates.was_sent.wait()
        await asyncio.sleep(0.01)
        assert here == [["1"]]
        assert not task.done()
        candidates.may_answer.set()
        await task
    assert candidates.sent == [Transaction(1, (job("1"),))]


class LosingOne:
    """Declares a candidate lost at the first transaction, as the real replication does."""

    def __init__(self) -> None:
        self.store: Committer | None = None
        self.seqs: list[int] = []

    async def send(self, transaction: Transaction) -> None:
        """See ``Replication``."""
        self.seqs.append(transaction.seq)
        if transaction.seq == 1 and self.store is not None:
            lost = await self.store.append((Put(Table.META, "lost", b'["x"]'),))
            self.seqs.append(lost.seq)


async def test_a_lost_candidate_is_recorded_before_the_acknowledgement(storage: Storage) -> None:
    losing = LosingOne()
    async with committing(storage, replication=losing) as store:
        losing.store = store
        await store.commit(batch(job("1"), base=0))
        assert storage.after_crash().load()[Table.META]["lost"] == b'["x"]'
        await store.commit(batch(job("2"), base=1))
    assert losing.seqs == [1, 2, 3]


async def test_work_between_two_transactions_sees_none_under_way(storage: Storage) -> None:
    async with committing(storage) as store:
        seqs: list[tuple[int, int]] = []
        taken: list[Snapshot] = []

        async def hold() -> None:
            before = store.seq
            await asyncio.sleep(0.01)
            await store.append((job("own"),))
            seqs.append((before, store.seq))

        async with asyncio.TaskGroup() as group:
            for number in range(50):
                group.create_task(store.commit(batch(job(str(number)))))
            group.create_task(store.exclusively(hold))
            group.create_task(store.snapshot_between(taken.append))
            for number in range(50, 100):
                group.create_task(store.commit(batch(job(str(number)))))
        ((before, after),), (snapshot,) = seqs, taken
        assert after == before + 1
        # Whole batches, and it stands where its number says.
        found = [write for write in snapshot.writes({}) if write.table is Table.JOB]
        (seq,) = [write for write in snapshot.writes({}) if write.key == SEQ]
        assert seq == Put(Table.META, SEQ, b"%d" % snapshot.seq)
        assert job("own") in found
        snapshot.close()


async def test_a_cancelled_append_counts(storage: Storage) -> None:
    async with committing(storage) as store:
        task = start(store.exclusively(lambda: _ignore(store.append((job("1"),)))))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await store.commit(batch(job("2")))
        assert store.seq == int(storage.after_crash().load()[Table.META]["seq"])


async def _ignore(appended: object) -> None:
    assert asyncio.iscoroutine(appended)
    await appended


async def test_close_commits_what_waits_and_takes_no_more(storage: Storage) -> None:
    async with committing(storage) as store:
        tasks = [start(store.commit(batch(job(str(n))))) for n in range(600)]
        await asyncio.sleep(0)
        closing = start(store.close())
        await asyncio.sleep(0)
        with pytest.raises(ConfigurationError, match="closed"):
            await store.commit(batch(job("late")))
        await asyncio.gather(*tasks, closing)
    assert len(storage.after_crash().load()[Table.JOB]) == 600


async def test_close_works_before_run_was_ever_started(storage: Storage) -> None:
    backend = CountingBackend(storage.open())
    store = Committer(backend, None)
    await store.load()
    waiting = start(store.commit(batch(job("1"))))
    await asyncio.sleep(0)
    async with asyncio.timeout(5):
        await store.close()
        await store.run()
    await waiting
    assert backend.is_closed


async def test_those_who_wait_are_told_when_the_committer_is_stopped(storage: Storage) -> None:
    candidates = Candidates()
    candidates.may_answer.clear()
    backend = storage.open()
    store = Committer(backend, None)
    store.replication = candidates
    await store.load()
    run = start(store.run())
    under_way = start(store.commit(batch(job("1"))))
    await candidates.was_sent.wait()
    waiting = start(store.commit(batch(job("2"))))
    await asyncio.sleep(0)
    run.cancel()
    results = await asyncio.gather(under_way, waiting, return_exceptions=True)
    assert ["unknown" in str(results[0]), "closed" in str(results[1])] == [True, True]
    with pytest.raises(ConfigurationError, match="closed"):
        await store.commit(batch(job("3")))
    await store.close()


async def test_a_replication_that_breaks_ends_the_committer(storage: Storage) -> None:
    class Broken:
        async def send(self, transaction: Transaction) -> None:
            raise ConfigurationError("the lost list cannot be written")

    store = Committer(storage.open(), None)
    store.replication = Broken()
    await store.load()
    commit = start(store.commit(batch(job("1"))))
    with pytest.raises(ConfigurationError, match="lost list"):
        await store.run()
    with pytest.raises(ConfigurationError, match="unknown"):
        await commit
    await store.close()
