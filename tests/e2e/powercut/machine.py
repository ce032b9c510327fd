"""A machine whose power is cut: a worker under the shim, killed, and what its disk has then."""

import os
import random
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

WORKER = Path(__file__).with_name("worker.py")
SHIM = Path(__file__).with_name("shim.c")
SECTOR = 512


def compile_shim(directory: Path) -> Path:
    """The library that remembers what was synced."""
    target = directory / "powercut.so"
    argv = ["gcc", "-Wall", "-Werror", "-O1", "-shared", "-fPIC", "-o", str(target), str(SHIM)]
    subprocess.run([*argv, "-ldl"], check=True, timeout=60)
    return target


@dataclass
class Machine:
    """One directory of state, and the shadow of what is really on its disk."""

    directory: Path
    shim: Path
    synchronous: str = "FULL"

    @property
    def root(self) -> Path:
        """Where the worker keeps its files."""
        return self.directory / "root"

    @property
    def shadow(self) -> Path:
        """What was synced of them."""
        return self.directory / "shadow"

    @property
    def database(self) -> str:
        """The worker's database."""
        return str(self.root / "state.db")

    def run_and_cut(self, first: int, acknowledged: int, delay_s: float) -> list[int]:
        """Work until that many batches were acknowledged and a moment longer; then the cut.

        Returns:
            Numbers of all acknowledged batches, in the order in which they were.
        """
        self._sync_all()
        environment = {
            **os.environ,
            "LD_PRELOAD": str(self.shim),
            "POWERCUT_ROOT": str(self.root),
            "POWERCUT_SHADOW": str(self.shadow),
        }
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

    def _sync_all(self) -> None:
        """Begin with all that lies there on disk."""
        self.root.mkdir(exist_ok=True)
        shutil.rmtree(self.shadow, ignore_errors=True)
        (self.shadow / "data").mkdir(parents=True)
        (self.shadow / "graves").mkdir()
        names = []
        for path in self.root.iterdir():
            inode = path.stat().st_ino
            shutil.copyfile(path, self.shadow / "data" / str(inode))
            names.append(f"{inode} {path.name}\n")
        (self.shadow / "names").write_text("".join(names))

    def restore(self, chance: random.Random | None = None) -> None:
        """Replace the files by what the disk has after the cut.

        Args:
            chance: decides for each sector written since the last sync whether it reached the disk;
                without it none did.
        """
        contents = {}
        for line in (self.shadow / "names").read_text().splitlines():
            inode, name = line.split(" ", 1)
            stored = self.shadow / "data" / inode
            data = stored.read_bytes() if stored.exists() else b""
            path = self.root / name
            if chance is not None and path.exists() and str(path.stat().st_ino) == inode:
                data = _mixed(data, path.read_bytes(), chance)
            contents[name] = data
        shutil.rmtree(self.root)
        self.root.mkdir()
        for name, data in contents.items():
            (self.root / name).write_bytes(data)


def _mixed(stored: bytes, written: bytes, chance: random.Random) -> bytes:
    length = len(chance.choice((stored, written)))
    mixed = bytearray()
    for start in range(0, length, SECTOR):
        old, new = stored[start : start + SECTOR], written[start : start + SECTOR]
        sector = chance.choice((old, new)) if old and new else old or new
        mixed += sector.ljust(min(SECTOR, length - start), b"\0")
    return bytes(mixed[:length])
