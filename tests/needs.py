"""What tests need that not every machine or container has: without it they are skipped."""

import os
from typing import Final

import pytest

needs_loops: Final = pytest.mark.skipif(
    os.geteuid() != 0 or not os.access("/dev/loop-control", os.R_OK | os.W_OK),
    reason="no loop devices to be had: that takes root and /dev/loop-control",
)


def needs_root(why: str) -> pytest.MarkDecorator:
    """For tests in which only root ``why``."""
    return pytest.mark.skipif(os.geteuid() != 0, reason=f"only root {why}")


def has_interfaces() -> bool:
    """Whether real network interfaces can be made."""
    return os.geteuid() == 0 and os.access("/dev/net/tun", os.R_OK | os.W_OK)


def skip_without_interfaces() -> None:
    """Skip the test where no real network interfaces can be made."""
    if not has_interfaces():
        pytest.skip("real interfaces need root and a usable /dev/net/tun")
