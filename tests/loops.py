"""Tests that need loop devices, which not every container has."""

import os
from typing import Final

import pytest

needs_loops: Final = pytest.mark.skipif(
    os.geteuid() != 0 or not os.access("/dev/loop-control", os.R_OK | os.W_OK),
    reason="no loop devices to be had: that takes root and /dev/loop-control",
)
