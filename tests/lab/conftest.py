"""Fresh emulated nodes for each test; see ``tools/lab/nodes.py`` and ``docs/lab.md``."""

from collections.abc import Callable, Iterator

import pytest

from tools.lab.image import LOG, is_made
from tools.lab.nodes import Bed, Node, bed

Nodes = Callable[[int], list[Node]]


@pytest.fixture(scope="session", autouse=True)
def image() -> None:
    """Skip the tier where its image could not be made; ``make lab`` says why."""
    if not is_made():
        pytest.skip(f"no image of lab nodes: run 'make lab' (its log: {LOG})")


@pytest.fixture
def lab() -> Iterator[Bed]:
    """A bed without nodes."""
    with bed() as made:
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
