"""The disks of this machine: what the kernel and others do with each, and what is on it.

    /sys/block, /proc -> uses of each disk -> wipefs -> contents -> Disk

A disk is in use if anything of it is mounted, swapped to, or part of a device above it (RAID, LVM,
encryption, multipath), and also if somebody has it open for himself: that shows what has no other
trace, such as DRBD or a mount in another namespace. Sizes are bytes.

Source: sysfs(5), proc(5), wipefs(8); open(2) on ``O_EXCL`` of block devices.
"""

import json
import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from pyganeti.kit.process import Command, ProcessError, Runner
from pyganeti.model.errors import GenericError

_SECTOR: Final = 512
# Made of something else or not lasting. RAID arrays are disks to us.
_NO_DISKS: Final = re.compile(r"(dm-|drbd|fd|loop|mtdblock|nbd|ram|rbd|sr|zram)\d+")
_ESCAPED: Final = re.compile(r"\\([0-7]{3})")
LVM_MEMBER: Final = "LVM2_member"


class DiskError(GenericError):
    """The disks of this machine cannot be told."""


@dataclass(frozen=True, slots=True)
class Part:
    """A partition."""

    name: str
    size: int
    mounts: tuple[str, ...]

    @property
    def path(self) -> str:
        """Its device, below the root of the machine."""
        return device_path(self.name)


@dataclass(frozen=True, slots=True)
class Disk:
    """A whole disk.

    Attributes:
        name: the kernel's.
        size: in bytes.
        model: vendor and model, or nothing.
        removable: its medium can be taken out.
        parts: its partitions.
        mounts: where it is mounted itself.
        uses: why it must be left alone; empty if it need not be.
        contents: what would be lost; empty if there is nothing.
    """

    name: str
    size: int
    model: str
    removable: bool
    parts: tuple[Part, ...]
    mounts: tuple[str, ...]
    uses: tuple[str, ...]
    contents: tuple[str, ...]

    @property
    def path(self) -> str:
        """Its device, below the root of the machine."""
        return device_path(self.name)


def device_path(name: str) -> str:
    """The device that the kernel calls ``name``: a slash there is an exclamation mark in /sys."""
    return f"/dev/{name.replace('!', '/')}"


def is_disk(name: str) -> bool:
    """Whether a device of that name counts among the disks of a machine."""
    return not _NO_DISKS.fullmatch(name)


def signatures_command(path: str) -> Command:
    """Ask what is on a device; reads only."""
    return Command(("wipefs", "--json", path))


# Any: JSON.
def parse_signatures(text: str) -> tuple[str, ...]:
    """Kinds of what is there, such as ``ext4`` and ``gpt``, each once.

    Raises:
        DiskError: the text is no such answer.
    """
    try:
        found: list[dict[str, Any]] = json.loads(text)["signatures"] if text.strip() else []
        return tuple(dict.fromkeys(str(one["type"]) for one in found))
    except (ValueError, KeyError, TypeError) as err:
        raise DiskError(f"unexpected answer from wipefs: {text[:200]!r}") from err


class Machine:
    """Where the disks are looked for. Blocking, but for what is run.

    Args:
        run: runs programs.
        root: directory that holds ``sys``, ``proc`` and ``dev``.
    """

    def __init__(self, run: Runner, root: str = "") -> None:
        self._run = run
        self._root = root
        self._block = f"{root}/sys/block"

    async def disks(self, *named: str) -> list[Disk]:
        """All disks with a medium, and further devices by their names; sorted.

        Raises:
            DiskError: /sys or /proc is not there, or has not the form it should have.
        """
        try:
            names = [name for name in os.listdir(self._block) if is_disk(name) or name in named]
            mounts = list(_mounts(self._text("/proc/self/mountinfo")))
            swaps = {self._device_of(path) for path in _swaps(self._text("/proc/swaps"))}
            return [
                await self._disk(name, mounts, swaps)
                for name in sorted(names)
                if self._number(name, "size")
            ]
        except OSError as err:
            raise DiskError(f"{err.filename}: {err.strerror}: are /sys and /proc there?") from err

    def parts(self, name: str) -> list[str]:
        """Names of a disk's partitions."""
        place = f"{self._block}/{name}"
        found = [one for one in os.listdir(place) if os.path.exists(f"{place}/{one}/partition")]
        return sorted(found, key=lambda one: self._number(f"{name}/{one}", "partition"))

    def is_there(self, part: str) -> bool:
        """Whether a device has its file."""
        return os.path.exists(self._root + device_path(part))

    async def _disk(self, name: str, mounts: list["_Mount"], swaps: set[str]) -> Disk:
        parts = self.parts(name)
        places = [name, *(f"{name}/{part}" for part in parts)]
        where = [self._mounted(place, mounts) for place in places]
        uses = list(self._uses(name, places, where, swaps))
        contents = [f"{len(parts)} partitions"] if parts else []
        try:
            done = await self._run(signatures_command(self._root + device_path(name)))
            contents += parse_signatures(done.stdout)
        except ProcessError as err:
            # What cannot be looked at may hold anything.
            uses.append(f"not readable: {err}")
        model = " ".join(self._word(name, f"device/{key}") for key in ("vendor", "model"))
        return Disk(
            name=name,
            size=self._number(name, "size") * _SECTOR,
            model=model.strip(),
            removable=self._number(name, "removable") != 0,
            parts=tuple(
                Part(part, self._number(f"{name}/{part}", "size") * _SECTOR, found)
                for part, found in zip(parts, where[1:], strict=True)
            ),
            mounts=where[0],
            uses=tuple(uses),
            contents=tuple(contents),
        )

    def _uses(
        self, name: str, places: list[str], mounts: list[tuple[str, ...]], swaps: set[str]
    ) -> Iterator[str]:
        if self._number(name, "ro"):
            yield "read-only"
        for place, where in zip(places, mounts, strict=True):
            what = os.path.basename(place)
            if where:
                yield f"{what} mounted on {', '.join(where)}"
            if what in swaps:
                yield f"{what} is swap space"
            for holder in sorted(os.listdir(f"{self._block}/{place}/holders")):
                yield f"{what} used by {self._word(holder, 'dm/name') or holder}"
        problem = self._taken(name)
        if problem:
            yield problem

    def _taken(self, name: str) -> str | None:
        """Why nobody can have the device for himself, if so."""
        path = self._root + device_path(name)
        try:
            handle = os.open(path, os.O_RDONLY | os.O_EXCL | os.O_CLOEXEC | os.O_NONBLOCK)
        except OSError as err:
            return f"not free: {err.strerror}"
        try:
            found = os.fstat(handle)
        finally:
            os.close(handle)
        number = f"{os.major(found.st_rdev)}:{os.minor(found.st_rdev)}"
        wanted = self._word(name, "dev")
        if not self._root and (not stat.S_ISBLK(found.st_mode) or number != wanted):
            return f"{path} is not the device {wanted}"
        return None

    def _mounted(self, place: str, mounts: list["_Mount"]) -> tuple[str, ...]:
        number, name = self._word(place, "dev"), os.path.basename(place)
        # Some file systems have numbers of their own and name the device as their source only.
        return tuple(
            mount.point
            for mount in mounts
            if mount.number == number or self._device_of(mount.source) == name
        )

    def _device_of(self, path: str) -> str:
        """The kernel's name of the device that ``path`` leads to; nothing if it is none."""
        if not path.startswith("/dev/"):
            return ""
        real = os.path.realpath(self._root + path)
        return real.removeprefix(f"{self._root}/dev/").replace("/", "!")

    def _text(self, path: str) -> str:
        with open(self._root + path, encoding="utf-8", errors="surrogateescape") as handle:
            return handle.read()

    def _word(self, place: str, key: str) -> str:
        """A value of a device; nothing if it has none."""
        try:
            with open(f"{self._block}/{place}/{key}", encoding="utf-8", errors="replace") as handle:
                return handle.read().strip()
        except FileNotFoundError:
            return ""

    def _number(self, place: str, key: str) -> int:
        """A number of a device.

        Raises:
            DiskError: it is none.
        """
        text = self._word(place, key)
        if not text.isdecimal():
            raise DiskError(f"{self._block}/{place}/{key} says {text!r}")
        return int(text)


@dataclass(frozen=True, slots=True)
class _Mount:
    number: str
    point: str
    source: str


def _mounts(text: str) -> Iterator[_Mount]:
    """Lines of mountinfo, see proc(5)."""
    for line in text.splitlines():
        fields, _, rest = line.partition(" - ")
        words, after = fields.split(" "), rest.split(" ")
        if len(words) < 5 or len(after) < 2:
            raise DiskError(f"unexpected line in mountinfo: {line!r}")
        yield _Mount(words[2], _unescaped(words[4]), _unescaped(after[1]))


def _swaps(text: str) -> Iterator[str]:
    """Files and devices that are swapped to, see proc(5)."""
    for line in text.splitlines()[1:]:
        yield _unescaped(line.split()[0])


def _unescaped(word: str) -> str:
    return _ESCAPED.sub(lambda found: chr(int(found[1], 8)), word)
