"""Fresh emulated nodes for each test; see ``tools/lab/nodes.py`` and ``docs/lab.md``."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import pytest

from tools.lab.image import LOG, is_made
from tools.lab.nodes import Bed, Node, bed

# What takes longest begins first, so that the processes that run tests end about together.
_LONGEST: Final = ("test_life", "test_faults", "test_burnin", "test_firmware", "test_convert")
Nodes = Callable[[int], list[Node]]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest tests first; elsewhere than in this tier nothing changes."""
    order = {name: place for place, name in enumerate(_LONGEST)}
    here = Path(__file__).parent
    items.sort(
        key=lambda item: order.get(item.path.stem, len(order)) if item.path.parent == here else 0
    )


@pytest.fixture(scope="session", autouse=True)
def image() -> None:
    """Skip the tier where its image could not be made; ``make lab`` says why."""
    if not is_made():
        pytest.skip(f"no image of lab nodes: run 'make lab' (its log: {LOG})")


@pytest.fixture
def lab(worker_id: str) -> Iterator[Bed]:
    """A bed without nodes, in a network of its own for each process that runs tests."""
    with bed(f"pyganeti-lab-{worker_id}") as made:
        yield made


@pytest.fixture
def nodes(lab: Bed) -> Nodes:
    """Makes so many fresh nodes, with the project on each."""

    def fresh(count: int) -> list[Node]:
        made = lab.restore(count)
        for node in made:
            node.install()
        return made

    return fresh
