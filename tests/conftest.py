"""Event loops: simulated clusters run on virtual time, everything else on the ordinary loop.

The servers of LUXI and REST are tested on uvloop as well, on which their daemons run.
"""

import asyncio
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
import uvloop
from hypothesis import HealthCheck, settings

from pyganeti.testing.loop import VirtualLoop

# How fast examples are made and tried says what else the machine does, not whether they are right.
settings.register_profile("any speed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any speed")

_SIM = Path(__file__).parent / "sim"
_SERVERS = tuple(Path(__file__).parent / "contract" / name for name in ("luxi", "rapi"))


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """The loop of each test."""
    if item.path.is_relative_to(_SIM):
        return {"virtual": VirtualLoop}
    if any(item.path.is_relative_to(place) for place in _SERVERS):
        return {"real": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}
    return {"real": asyncio.new_event_loop}


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    """In place of pytest's own: short, as paths of sockets must be, and gone after the test."""
    with tempfile.TemporaryDirectory(prefix="t-", ignore_cleanup_errors=True) as directory:
        yield Path(directory)
