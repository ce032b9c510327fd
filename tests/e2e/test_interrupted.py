"""A test run that is told to end takes its daemons, directory and bridge with it."""

import os
import shutil
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from tests.e2e.vcluster import wait_for
from tools.machine import CHECKOUT

BUSY = """
import time
from pathlib import Path

def test_busy(cluster, bridge_name):
    cluster.init(hypervisor="fake")
    cluster.add_nodes()
    Path({marker!r}).write_text(f"{{cluster.base}} {{bridge_name}}")
    time.sleep(600)
"""


def of_cluster(base: str) -> list[int]:
    """Processes that belong to the cluster in the directory ``base``."""
    mark, found = f"GANETI_ROOTDIR={base}/".encode(), []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if mark in (entry / "environ").read_bytes():
                found.append(int(entry.name))
        except OSError:
            continue
    return found


@pytest.mark.parametrize("sig", [signal.SIGTERM, signal.SIGHUP])
def test_a_run_told_to_end_leaves_nothing(tmp_path: Path, sig: signal.Signals) -> None:
    marker, module = tmp_path / "marker", tmp_path / "test_busy.py"
    module.write_text(BUSY.format(marker=str(marker)))
    argv = [sys.executable, "-m", "pytest", "-p", "tests.e2e.conftest", "--rootdir", str(tmp_path)]
    config = ["-c", str(CHECKOUT / "pyproject.toml")]
    run = subprocess.Popen([*argv, *config, str(module)], cwd=CHECKOUT)
    try:
        wait_for(lambda: marker.exists() and bool(marker.read_text()), 120, "a cluster")
        base, bridge_name = marker.read_text().split()
        assert of_cluster(base)
        run.send_signal(sig)
        # Once more, while it cleans up.
        wait_for(lambda: not of_cluster(base) or run.poll() is not None, 60, "the end to begin")
        run.send_signal(sig)
        assert run.wait(60) == pytest.ExitCode.INTERRUPTED
        assert not of_cluster(base)
        assert not os.path.exists(base)
        assert not os.path.exists(f"/sys/class/net/{bridge_name}")
    finally:
        run.kill()
        run.wait()
        end_what_is_left(marker)


def end_what_is_left(marker: Path) -> None:
    """For a test that failed."""
    base, bridge_name = marker.read_text().split() if marker.exists() else ("", "")
    for pid in of_cluster(base) if base else []:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    if base and os.path.exists(f"/sys/class/net/{bridge_name}"):
        subprocess.run(["ip", "link", "delete", bridge_name], check=True)
    if base:
        shutil.rmtree(base, ignore_errors=True)
