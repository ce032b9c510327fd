"""Directories for guests."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from .qemu_guests import end_guests


@pytest.fixture
def directory() -> Iterator[Path]:
    """Of the test's guests, which end with it."""
    # pytest's own directories are too long for sockets.
    path = Path(tempfile.mkdtemp(prefix="hv"))
    yield path
    end_guests(path)
    shutil.rmtree(path)
