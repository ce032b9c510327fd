"""Guarantees of ``Migration``, on the fake and on QEMU in software, two nodes on one machine."""

import pytest

from pyganeti.model.errors import HypervisorError
from pyganeti.wire.noderpc.guests import GuestRole

from .migrating import ADDRESS, Pair
from .qemu_guests import HVPARAMS


async def test_a_guest_goes_from_here_to_there_and_back(pair: Pair) -> None:
    spec = pair.spec()
    await pair.begin(spec)
    assert await pair.roles() == (GuestRole.RUNNING, GuestRole.INCOMING)
    await pair.send(spec)
    assert (await pair.roles())[0] is GuestRole.SENT
    await pair.finish(spec)
    assert await pair.roles() == (GuestRole.ABSENT, GuestRole.RUNNING)
    assert await pair.make(pair.there).names() == ("web1",)
    assert await pair.make(pair.here).names() == ()
    back = Pair(pair.make, pair.there, pair.here, pair.port)
    info = await back.make(back.here).migration.info(spec)
    await back.make(back.there).migration.accept(spec, (), info, ADDRESS)
    await back.send(spec)
    await back.finish(spec)
    assert await pair.roles() == (GuestRole.RUNNING, GuestRole.ABSENT)
    await pair.stop()


async def test_each_step_may_be_repeated(pair: Pair) -> None:
    spec = pair.spec()
    await pair.begin(spec)
    await pair.begin(spec)
    await pair.send(spec)
    await pair.send(spec)
    await pair.finish(spec)
    await pair.finish(spec)
    assert await pair.roles() == (GuestRole.ABSENT, GuestRole.RUNNING)
    await pair.stop()


async def test_one_that_is_not_to_come_is_not_waited_for(pair: Pair) -> None:
    spec = pair.spec()
    await pair.begin(spec)
    assert await pair.make(pair.here).migration.cancel(spec) is GuestRole.RUNNING
    for _ in range(2):
        await pair.make(pair.there).migration.finish_target(spec, success=False, resume=True)
        await pair.make(pair.here).migration.finish_source(spec, success=False, resume=True)
    assert await pair.roles() == (GuestRole.RUNNING, GuestRole.ABSENT)
    await pair.stop()


async def test_one_that_was_sent_can_go_on_when_it_did_not_arrive(pair: Pair) -> None:
    spec = pair.spec()
    await pair.begin(spec)
    await pair.send(spec)
    await pair.make(pair.there).stop(spec, 0)
    assert await pair.make(pair.here).migration.cancel(spec) is GuestRole.SENT
    await pair.make(pair.here).migration.finish_source(spec, success=False, resume=True)
    assert await pair.roles() == (GuestRole.RUNNING, GuestRole.ABSENT)
    await pair.stop()


async def test_a_copy_that_may_run_is_never_ended_or_replaced(pair: Pair) -> None:
    spec = pair.spec()
    await pair.begin(spec)
    source, target = pair.make(pair.here).migration, pair.make(pair.there).migration
    with pytest.raises(HypervisorError, match="may run"):
        await source.finish_source(spec, success=True, resume=True)
    await pair.send(spec)
    await target.finish_target(spec, success=True, resume=True)
    with pytest.raises(HypervisorError, match="runs on this node"):
        await target.finish_target(spec, success=False, resume=True)
    info = await target.info(spec)
    with pytest.raises(HypervisorError, match="already"):
        await target.accept(spec, (), info, ADDRESS)
    assert await pair.roles() == (GuestRole.SENT, GuestRole.RUNNING)
    await pair.stop()


async def test_one_that_is_not_here_is_neither_sent_nor_finished(pair: Pair) -> None:
    spec = pair.spec()
    migration = pair.make(pair.here).migration
    for step in (
        migration.info(spec),
        migration.send(spec, ADDRESS, live=True, progress=lambda _: None),
        migration.finish_source(spec, success=False, resume=True),
        migration.finish_target(spec, success=True, resume=True),
    ):
        with pytest.raises(HypervisorError, match="web1"):
            await step
    assert await migration.cancel(spec) is GuestRole.ABSENT


async def test_a_node_says_what_guests_find_there(pair: Pair) -> None:
    traits = await pair.make(pair.here).migration.traits(HVPARAMS)
    assert await pair.make(pair.there).migration.traits(HVPARAMS) == traits
