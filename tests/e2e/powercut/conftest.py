"""The layer that forgets what was not synced."""

import shutil
from pathlib import Path

import pytest

from tests.e2e.powercut.disk import compile_shim


@pytest.fixture(scope="session")
def shim(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built once."""
    if shutil.which("gcc") is None:
        pytest.skip("gcc is missing: the layer that forgets what was not synced cannot be built")
    return compile_shim(tmp_path_factory.mktemp("shim"))
