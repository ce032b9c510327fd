"""Blocking calls one after another beside the loop."""

import asyncio
import gc
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest

from pyganeti.kit.worker import Worker


@pytest.fixture
def worker() -> Iterator[Worker]:
    with Worker("test") as made:
        yield made


async def test_calls_are_made_in_order_in_one_other_thread(worker: Worker) -> None:
    made: list[tuple[int, int]] = []

    def note(number: int) -> Callable[[], int]:
        def work() -> int:
            made.append((number, threading.get_ident()))
            return number

        return work

    assert await asyncio.gather(*(worker.run(note(n)) for n in range(50))) == list(range(50))
    assert [number for number, _ in made] == list(range(50))
    assert len({thread for _, thread in made} | {threading.get_ident()}) == 2


async def test_an_error_is_the_callers_and_the_next_call_is_made(worker: Worker) -> None:
    def fail() -> None:
        raise OSError(28, "no space")

    with pytest.raises(OSError, match="no space"):
        await worker.run(fail)
    assert await worker.run(lambda: 7) == 7


async def test_who_is_cancelled_goes_on_when_the_call_has_ended(worker: Worker) -> None:
    may_end, ended = threading.Event(), threading.Event()

    def work() -> None:
        may_end.wait()
        ended.set()

    async with asyncio.TaskGroup() as group:
        task = group.create_task(worker.run(work))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.sleep(0.05)
        assert not task.done()
        may_end.set()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert ended.is_set()


async def test_close_waits_for_what_was_asked_for() -> None:
    worker, may_end, made = Worker("test"), threading.Event(), []
    async with asyncio.TaskGroup() as group:
        group.create_task(worker.run(may_end.wait))
        group.create_task(worker.run(lambda: made.append(1)))
        await asyncio.sleep(0)
        closing = threading.Thread(target=worker.close)
        closing.start()
        may_end.set()
    closing.join(10)
    assert made == [1]
    assert not closing.is_alive()


class Held:
    """Something that a call works on."""

    def fail(self) -> None:
        raise ValueError("no")


async def fail_with_something(worker: Worker) -> "weakref.ref[Held]":
    held = Held()
    with suppress(ValueError):
        await worker.run(held.fail)
    return weakref.ref(held)


async def test_nothing_of_a_call_that_failed_is_kept(worker: Worker) -> None:
    gc.collect()
    gc.disable()
    try:
        held = await fail_with_something(worker)
        await worker.run(lambda: None)
        assert held() is None
    finally:
        gc.enable()
