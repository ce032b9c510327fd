"""A machine whose power is cut: a worker on a disk that forgets what was not synced, killed."""

import os
import random
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.e2e.powercut.disk import Disk

WORKER = Path(__file__).with_name("worker.py")


@dataclass
class Machine:
    """A store's worker, and the disk it works on."""

    directory: Path
    shim: Path
    synchronous: str = "FULL"

    @property
    def disk(self) -> Disk:
        """Where the worker keeps its files."""
        return Disk(self.directory / "root", self.directory / "shadow", self.shim)

    @property
    def database(self) -> str:
        """The worker's database."""
        return str(self.disk.root / "state.db")

    def run_and_cut(self, first: int, acknowledged: int, delay_s: float) -> list[int]:
        """Work until that many batches were acknowledged and a moment longer; then the cut.

        Returns:
            Numbers of all acknowledged batches, in the order in which they were.
        """
        self.disk.root.mkdir(exist_ok=True)
        self.disk.sync_all()
        environment = {**os.environ, **self.disk.environ}
        argv = [sys.executable, str(WORKER), self.database, self.synchronous, str(first)]
        with subprocess.Popen(argv, stdout=subprocess.PIPE, env=environment) as worker:
            assert worker.stdout is not None
            lines = [worker.stdout.readline() for _ in range(acknowledged)]
            try:
                worker.wait(delay_s)
            except subprocess.TimeoutExpired:
                worker.kill()
            # What it said before it died is in the pipe.
            lines += worker.stdout.readlines()
        assert worker.returncode == -signal.SIGKILL
        return [int(line) for line in lines]

    def restore(self, chance: random.Random | None = None) -> None:
        """See :meth:`Disk.restore`."""
        self.disk.restore(chance)
