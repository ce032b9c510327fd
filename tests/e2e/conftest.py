"""Fixtures of the end-to-end tests: they need root and what ``make prepare`` made."""

import os
from collections.abc import Iterator

import pytest

from tests.e2e.ganeti_cluster import ganeti_cluster
from tests.e2e.prepare import BOOT
from tests.e2e.vcluster import Cluster, bridge, virtual_cluster
from tools.interrupt import interrupt_when_told_to_end


def pytest_configure() -> None:
    """A run that is told to end leaves nothing behind."""
    interrupt_when_told_to_end()


@pytest.fixture(scope="session", autouse=True)
def prepared() -> None:
    """Fail at once, and say why, where these tests cannot run."""
    assert os.geteuid() == 0, "end-to-end tests need root"
    assert (BOOT / "initrd").exists(), "run 'make prepare' first"


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    """Three nodes, not initialized yet."""
    with virtual_cluster() as made:
        yield made


@pytest.fixture(scope="module")
def golden_cluster() -> Iterator[Cluster]:
    """Ganeti's small cluster, run by our daemons, with the clock of the captured output."""
    with pytest.MonkeyPatch.context() as environment, ganeti_cluster() as made:
        environment.setenv("TZ", "UTC")
        yield made


@pytest.fixture
def bridge_name() -> Iterator[str]:
    """A bridge for guests."""
    with bridge() as name:
        yield name
