"""Each test of the suite runs on each backend."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.store.harness import MemoryStorage, SqliteStorage, Storage


@pytest.fixture(params=["memory", "sqlite"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Storage]:
    """An empty store."""
    if request.param == "memory":
        yield MemoryStorage()
        return
    sqlite = SqliteStorage(str(tmp_path))
    yield sqlite
    sqlite.close()
