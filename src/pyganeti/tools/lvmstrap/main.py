"""``lvmstrap``: shows the disks of this machine, or makes a volume group on those nobody uses.

    options -> disks -> those that may be taken -> Making

Run by people on a machine that is to become a node. Source: the options of Ganeti's tool of this
name.
"""

import argparse
import asyncio
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from pyganeti.kit.clock import SystemClock
from pyganeti.kit.process import Runner, run
from pyganeti.model.errors import GenericError
from pyganeti.model.versions import RELEASE_VERSION
from pyganeti.node.storage.lvm.tools import Lvm, checked
from pyganeti.tools.ending import ended

from .disks import LVM_MEMBER, Disk, Machine
from .making import Making

_GROUP: Final = "xenvg"
_MIB: Final = 1 << 20
_TITLE: Final = "------- Disk information -------"
_COLUMNS: Final = ("Name", "Size[M]", "Used", "Mount", "LVM?", "Info")


class Refused(GenericError):
    """Nothing was changed."""


def lvmstrap_parser() -> argparse.ArgumentParser:
    """The parser."""
    parser = argparse.ArgumentParser(
        prog="lvmstrap", description=__doc__.splitlines()[0], allow_abbrev=False
    )
    add = parser.add_argument
    add("--version", action="version", version=f"lvmstrap (ganeti) {RELEASE_VERSION}")
    add("action", choices=("diskinfo", "create"), help="show the disks, or make the volume group")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--alldisks", action="store_true", help="use all disks that are free")
    which.add_argument("-d", "--disks", metavar="DISKS", help="use these, such as sdb,sdc")
    add("-g", "--vg-name", default=_GROUP, metavar="NAME", help=f"its name (default: {_GROUP})")
    add("-r", "--allow-removable", action="store_true", help="use removable disks as well")
    add("--erase", action="store_true",
        help="use disks with partitions or other contents as well, which are lost")  # fmt: skip
    add("--use-sfdisk", action="store_true", help="no effect: sfdisk is always used")
    add("-v", "--verbose", action="store_true", help="say what is run")
    return parser


def chosen(disks: Sequence[Disk], options: argparse.Namespace) -> list[Disk]:
    """The disks to use.

    Raises:
        Refused: one that was named cannot be used, or there is none.
    """
    if options.disks is None:
        return _free(disks, options)
    by_name = {disk.name: disk for disk in disks}
    found = []
    for name in _names(options.disks):
        if name not in by_name:
            raise Refused(f"cannot find disk {name}")
        reason = unusable(by_name[name], options)
        if reason:
            raise Refused(f"disk {name}: {reason}")
        found.append(by_name[name])
    if not found:
        raise Refused("no disk is named")
    return found


def _names(text: str) -> list[str]:
    """The kernel's names, each once, of disks that may be given as paths."""
    words = [word.strip().removeprefix("/dev/").replace("/", "!") for word in text.split(",")]
    return list(dict.fromkeys(filter(None, words)))


def _free(disks: Sequence[Disk], options: argparse.Namespace) -> list[Disk]:
    found = [disk for disk in disks if not unusable(disk, options)]
    if not found:
        reasons = "; ".join(f"{disk.name}: {unusable(disk, options)}" for disk in disks)
        raise Refused(f"no free disks found: {reasons or 'there are no disks at all'}")
    return found


def unusable(disk: Disk, options: argparse.Namespace) -> str:
    """Why a disk is not to be used; nothing if it may be."""
    if disk.uses:
        return f"in use ({'; '.join(disk.uses)})"
    if disk.removable and not options.allow_removable:
        return "removable, see --allow-removable"
    if disk.contents and not options.erase:
        return f"not empty ({', '.join(disk.contents)}), see --erase"
    return ""


def table(disks: Sequence[Disk]) -> Iterator[str]:
    """Lines that describe disks and, below each, its partitions."""
    rows = [_COLUMNS]
    for disk in disks:
        is_lvm = "yes" if LVM_MEMBER in disk.contents else "no"
        info = "; ".join(filter(None, [disk.model, ", ".join(disk.contents), *disk.uses]))
        used = "yes" if disk.uses else "no"
        mounts = ",".join(disk.mounts) or "-"
        rows.append((disk.name, str(disk.size // _MIB), used, mounts, is_lvm, info))
        for part in disk.parts:
            mounted = ",".join(part.mounts) or "-"
            rows.append((part.name, str(part.size // _MIB), "", mounted, "", ""))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True))
        yield " ".join(cells).rstrip()


class Bootstrap:
    """One run of the program.

    Args:
        options: of the command line.
        machine: where the disks are.
        runner: runs programs.
    """

    def __init__(self, options: argparse.Namespace, machine: Machine, runner: Runner) -> None:
        self._options = options
        self._machine = machine
        self._run = runner

    async def run(self) -> int:
        """Show, or make; the exit code.

        Raises:
            GenericError: it cannot be done.
        """
        named = _names(self._options.disks or "")
        if self._options.action == "create":
            await self._create(named)
            return 0
        print(_TITLE)
        for line in table(await self._machine.disks(*named)):
            print(line)
        return 0

    async def _create(self, named: list[str]) -> None:
        options, lvm = self._options, Lvm(self._run)
        group = checked(options.vg_name)
        if any(one.name == group for one in await lvm.groups()):
            raise Refused(f"there is a volume group {group} already")
        disks = chosen(await self._machine.disks(*named), options)
        making = Making(self._machine, self._run, SystemClock(), self._say)
        await making.make(group, disks)
        made = await lvm.group(group)
        names = ", ".join(disk.name for disk in disks)
        print(f"Volume group {group} of {made.size // _MIB} MiB is on {names}.")

    def _say(self, text: str) -> None:
        if self._options.verbose:
            print(f"+ {text}", flush=True)


def _parsed(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = lvmstrap_parser()
    options = parser.parse_args(argv)
    if options.action == "create" and not options.alldisks and options.disks is None:
        parser.error("create: say which, with --alldisks or --disks")
    return options


def main(
    argv: Sequence[str] | None = None, runner: Runner = run, *, uid: Callable[[], int] = os.geteuid
) -> int:
    """Entry point."""
    options = _parsed(argv)
    if uid() != 0:
        print("lvmstrap: only root can look at disks", file=sys.stderr)
        return 1
    bootstrap = Bootstrap(options, Machine(runner), runner)
    return ended("lvmstrap", lambda: asyncio.run(bootstrap.run()))


if __name__ == "__main__":
    sys.exit(main())
