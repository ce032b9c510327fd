"""What tests need that not every machine or container has: without it they are skipped."""

import os
from typing import Final

import pytest

_IS_ROOT: Final = os.geteuid() == 0

needs_loops: Final = pytest.mark.skipif(
    not _IS_ROOT or not os.access("/dev/loop-control", os.R_OK | os.W_OK),
    reason="no loop devices to be had: that takes root and /dev/loop-control",
)


def needs_root(why: str) -> pytest.MarkDecorator:
    """For tests in which only root ``why``."""
    return pytest.mark.skipif(not _IS_ROOT, reason=f"only root {why}")


def skip_unless_root(why: str) -> None:
    """Skip the test, in which only root ``why``."""
    if not _IS_ROOT:
        pytest.skip(f"only root {why}")


def has_interfaces() -> bool:
    """Whether real network interfaces can be made."""
    return _IS_ROOT and os.access("/dev/net/tun", os.R_OK | os.W_OK)


def skip_without_interfaces() -> None:
    """Skip the test where no real network interfaces can be made."""
    if not has_interfaces():
        pytest.skip("real interfaces need root and a usable /dev/net/tun")
