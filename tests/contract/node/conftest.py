"""Directories for guests, and pairs of nodes between which they go."""

import shutil
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.ports import free_port

from .migrating import Pair
from .qemu_guests import driver, end_guests, kvm


@pytest.fixture
def directory() -> Iterator[Path]:
    """Of the test's guests, which end with it."""
    # pytest's own directories are too long for sockets.
    path = Path(tempfile.mkdtemp(prefix="hv"))
    yield path
    end_guests(path)
    shutil.rmtree(path)


@pytest.fixture
def qemus(directory: Path) -> Pair:
    """Two nodes with QEMU."""
    return Pair(kvm, directory / "a", directory / "b", free_port())


@pytest.fixture(params=["fake", "kvm"])
def pair(request: pytest.FixtureRequest, directory: Path) -> Pair:
    """Two nodes with the fake, then with QEMU."""
    return Pair(partial(driver, request.param), directory / "a", directory / "b", free_port())
