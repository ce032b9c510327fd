"""A machine whose disks are only files: /sys and /proc as the kernel has them, and programs."""

import json
from collections.abc import Sequence
from pathlib import Path

from pyganeti.kit.process import Command, Finished, ProcessError

GIB = 1 << 30


class FakeMachine:
    """Disks below ``root``, and a runner of the programs that change them.

    Attributes:
        ran: programs that were run and change something, with their arguments.
        contents: kinds of what is on each device, by path.
        groups: volume groups with their physical volumes.
        broken: names of programs that fail, after the work is done.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.ran: list[tuple[str, ...]] = []
        self.contents: dict[str, list[str]] = {}
        self.groups: dict[str, list[str]] = {}
        self.broken: set[str] = set()
        self._number = 0
        for place in ("sys/block", "proc/self", "dev"):
            (root / place).mkdir(parents=True)
        self.mount("/dev/root", "/", number="0:99")
        (root / "proc/swaps").write_text("Filename\tType\tSize\tUsed\tPriority\n")

    def add(self, name: str, size: int = GIB, *, removable: bool = False, ro: bool = False) -> None:
        """A disk with nothing on it."""
        place = self._device(f"sys/block/{name}", name, size)
        (place / "removable").write_text(f"{int(removable)}\n")
        (place / "ro").write_text(f"{int(ro)}\n")
        (place / "device").mkdir()
        (place / "device/model").write_text("DISK 9000   \n")

    def _device(self, where: str, name: str, size: int) -> Path:
        place = self.root / where
        (place / "holders").mkdir(parents=True)
        (place / "size").write_text(f"{size // 512}\n")
        self._number += 1
        (place / "dev").write_text(f"8:{self._number}\n")
        path = self.root / "dev" / name.replace("!", "/")
        path.parent.mkdir(exist_ok=True)
        path.touch()
        return place

    def number(self, place: str) -> str:
        """Major and minor number of a device."""
        return (self.root / "sys/block" / place / "dev").read_text().strip()

    def part(self, disk: str, name: str, number: int = 1, size: int = GIB) -> None:
        """Give a disk a partition."""
        place = self._device(f"sys/block/{disk}/{name}", name, size)
        (place / "partition").write_text(f"{number}\n")

    def hold(self, place: str, holder: str) -> None:
        """Let a device be part of another one."""
        (self.root / "sys/block" / place / "holders" / holder).mkdir()

    def mount(self, source: str, point: str, *, number: str) -> None:
        """Mount something."""
        with (self.root / "proc/self/mountinfo").open("a") as handle:
            handle.write(f"22 27 {number} / {point} rw shared:1 - ext4 {source} rw\n")

    def swap(self, path: str) -> None:
        """Swap to a device."""
        with (self.root / "proc/swaps").open("a") as handle:
            handle.write(f"{path}\tpartition\t1\t0\t-2\n")

    async def __call__(self, command: Command) -> Finished:
        """See :class:`~pyganeti.kit.process.Runner`."""
        program, *words = command.argv
        path = "/dev/" + words[-1].removeprefix(f"{self.root}/dev/").removeprefix("/dev/")
        if program == "wipefs" and "--json" in words:
            found = [{"type": kind} for kind in self.contents.get(path, ())]
            return Finished(0, json.dumps({"signatures": found}), "")
        if program == "vgs":
            return Finished(0, self._report(words), "")
        self.ran.append(command.argv)
        self._change(program, words, path)
        if program in self.broken:
            done = Finished(5, "", f"  {program} is broken\n")
            raise ProcessError(command, f"exit code 5: {program} is broken", done)
        return Finished(0, "", "")

    def _report(self, words: Sequence[str]) -> str:
        rows = [
            {"vg_name": name, "vg_size": str(GIB * len(parts)), "vg_free": "0",
             "vg_extent_size": str(64 << 20), "vg_attr": "wz--n-"}
            for name, parts in self.groups.items()
            if words[-2:] == ["-o", words[-1]] or name == words[-1]
        ]  # fmt: skip
        return json.dumps({"report": [{"vg": rows}]})

    def _change(self, program: str, words: Sequence[str], path: str) -> None:
        if program == "wipefs":
            self.contents.pop(path, None)
            self._drop_parts(path.removeprefix("/dev/").replace("/", "!"))
        elif program == "sfdisk":
            name = path.removeprefix("/dev/").replace("/", "!")
            self.contents[path] = ["gpt", "PMBR"]
            self.part(name, f"{name}p1" if name[-1].isdigit() else f"{name}1")
        elif program == "pvcreate":
            self.contents[path] = ["LVM2_member"]
        elif program == "vgcreate":
            group, *parts = words[2:]
            if program not in self.broken:
                self.groups[group] = list(parts)

    def _drop_parts(self, name: str) -> None:
        disk = self.root / "sys/block" / name
        for place in disk.glob("*/partition"):
            for path in (*place.parent.glob("*"),):
                path.rmdir() if path.is_dir() else path.unlink()
            place.parent.rmdir()
