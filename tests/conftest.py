"""Event loops: simulated clusters run on virtual time, everything else on the ordinary loop."""

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from pyganeti.testing.loop import VirtualLoop

_SIM = Path(__file__).parent / "sim"


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """The loop of each test."""
    if item.path.is_relative_to(_SIM):
        return {"virtual": VirtualLoop}
    return {"real": asyncio.new_event_loop}
