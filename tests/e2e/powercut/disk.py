"""A directory of which is remembered what a power cut would leave: ``shim.c`` writes it down."""

import os
import random
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

SHIM = Path(__file__).with_name("shim.c")
SECTOR = 512


def compile_shim(directory: Path) -> Path:
    """The library that remembers what was synced."""
    target = directory / "powercut.so"
    argv = ["gcc", "-Wall", "-Werror", "-O1", "-shared", "-fPIC", "-o", str(target), str(SHIM)]
    subprocess.run([*argv, "-ldl"], check=True, timeout=60)
    return target


@dataclass(frozen=True)
class Disk:
    """A directory, and the shadow of what is really on its disk.

    Attributes:
        root: what programs that run with :attr:`environ` write to.
        shadow: what was synced of it; on the same file system.
        shim: from :func:`compile_shim`.
    """

    root: Path
    shadow: Path
    shim: Path

    @property
    def environ(self) -> dict[str, str]:
        """Variables under which a program's syncs count."""
        return {
            "LD_PRELOAD": str(self.shim),
            "POWERCUT_ROOT": str(self.root),
            "POWERCUT_SHADOW": str(self.shadow),
        }

    def sync_all(self) -> None:
        """Begin with all that lies there on disk; nobody may write to it."""
        shutil.rmtree(self.shadow, ignore_errors=True)
        for name in ("data", "names", "graves"):
            (self.shadow / name).mkdir(parents=True)
        for directory, _directories, files in os.walk(self.root):
            here, lines = Path(directory), []
            for entry in os.scandir(here):
                lines.append(f"{entry.inode()} {entry.name}\n")
            (self.shadow / "names" / str(here.stat().st_ino)).write_text("".join(lines))
            for name in files:
                inode = (here / name).stat().st_ino
                shutil.copyfile(here / name, self.shadow / "data" / str(inode))

    def restore(self, chance: random.Random | None = None) -> None:
        """Replace the files by what the disk has after the cut; whoever wrote there is dead.

        Args:
            chance: decides for each sector written since the last sync whether it reached the disk;
                without it none did.
        """
        contents = dict(self._stored(self.root, self.root.stat().st_ino, chance))
        for entry in os.scandir(self.root):
            if entry.is_dir(follow_symlinks=False):
                shutil.rmtree(entry.path)
            else:
                os.unlink(entry.path)
        for path, content in contents.items():
            if content is None:
                path.mkdir()
            else:
                path.write_bytes(content[0])
                path.chmod(content[1])

    def _stored(
        self, here: Path, inode: int, chance: random.Random | None
    ) -> Iterator[tuple[Path, tuple[bytes, int] | None]]:
        """What was stored below the directory with this inode: content and mode of each file;
        ``None`` for a directory, which comes before what is in it."""
        names = self.shadow / "names" / str(inode)
        for line in names.read_text().splitlines() if names.exists() else ():
            number, name = line.split(" ", 1)
            path = here / name
            if self._is_directory(path, number):
                yield path, None
                yield from self._stored(path, int(number), chance)
                continue
            stored = self.shadow / "data" / number
            data = stored.read_bytes() if stored.exists() else b""
            written = self._written(path, number)
            if chance is not None and written is not None:
                data = _mixed(data, written.read_bytes(), chance)
            yield path, (data, 0o600 if written is None else written.stat().st_mode & 0o777)

    def _is_directory(self, path: Path, inode: str) -> bool:
        return path.is_dir() and str(path.stat().st_ino) == inode

    def _written(self, path: Path, inode: str) -> Path | None:
        """Where what was written last to a file is found, if it is."""
        for place in (path, self.shadow / "graves" / inode):
            if place.exists() and str(place.stat().st_ino) == inode:
                return place
        return None


def _mixed(stored: bytes, written: bytes, chance: random.Random) -> bytes:
    length = len(chance.choice((stored, written)))
    mixed = bytearray()
    for start in range(0, length, SECTOR):
        old, new = stored[start : start + SECTOR], written[start : start + SECTOR]
        sector = chance.choice((old, new)) if old and new else old or new
        mixed += sector.ljust(min(SECTOR, length - start), b"\0")
    return bytes(mixed[:length])
