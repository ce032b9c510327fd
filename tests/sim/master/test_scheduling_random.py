"""Random jobs, filters, limits, dependencies, priorities and deaths: the rules hold."""

import pytest

from pyganeti.model.enums import FINALIZED

from .random_queue import World, stored_states


async def live(seed: int, events: int) -> World:
    """A queue to which so many things happen; checked at rest, and when all filters are gone."""
    world = World(seed)
    await world.start()
    for _ in range(events):
        await world.happen()
    await world.rest()
    world.check_rest()
    world.rules.clear()
    world.set_rules()
    await world.rest()
    world.check_rest()
    assert all(known.job.status in FINALIZED for known in world.facts.values())
    assert world.counts["started"] > 0
    assert world.scheduler.waits() == []
    # Nobody is remembered who has ended.
    assert not world.scheduler._waiting
    assert len(world.scheduler._lines) == 0
    shown = {job_id: known.job.status.value for job_id, known in world.facts.items()}
    assert stored_states(world) == shown
    await world.close()
    return world


@pytest.mark.parametrize("seed", range(60))
async def test_what_must_hold_holds(seed: int) -> None:
    await live(seed, 150)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(1000, 1020))
async def test_it_holds_for_long(seed: int) -> None:
    await live(seed, 5000)
