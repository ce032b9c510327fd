"""An image on a disk: ``create``; dumps of disks: ``export``, ``import``."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from typing import BinaryIO

import source
from errors import Refused
from settings import Settings, disk_path, size_of

_BLOCK = 1 << 20
_MIB = 1 << 20
# What qemu-img check says of leaks, which only waste space.
_LEAKS = 3


def install(settings: Settings, env: Mapping[str, str]) -> None:
    """Write the image to the first disk.

    Raises:
        Refused: nothing was written; or the image turned out to be broken.
    """
    disk = disk_path(env, 0)
    with source.opened(settings) as image:
        size, room = source.check_format(image, settings.format), size_of(disk)
        if size > room:
            wanted = -(-size // _MIB)
            text = f"the image needs a disk of {wanted} MiB, disk 0 has {room // _MIB}"
            raise Refused(text)
        if settings.format == "qcow2":
            done = _qemu_img(image, "check", "-q", "-f", "qcow2")
            if done not in (0, _LEAKS):
                raise Refused("the image is damaged, or shorter than it says")
        if _qemu_img(image, "convert", "-n", "-f", settings.format, "-O", "raw", target=disk):
            raise Refused(f"the image could not be written to {disk}")
    _sync(disk)
    print(f"image: {size // _MIB} MiB were written to {disk}", file=sys.stderr)


def _qemu_img(image: BinaryIO, *words: str, target: str | None = None) -> int:
    program = shutil.which("qemu-img")
    if program is None:
        raise Refused("the program qemu-img is missing on this node (package qemu-utils)")
    # By its open file: nobody changes which one it is between check and use.
    path = f"/proc/self/fd/{image.fileno()}"
    argv = [program, *words, path, *([target] if target else [])]
    done = subprocess.run(argv, pass_fds=(image.fileno(),), stdout=sys.stderr, check=False)
    return done.returncode


def _sync(path: str) -> None:
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def export(env: Mapping[str, str]) -> None:
    """Write the disk EXPORT_DEVICE to standard output, as it is."""
    device = env.get("EXPORT_DEVICE", "")
    size = size_of(device)
    if env.get("EXP_SIZE_FD"):
        with open(int(env["EXP_SIZE_FD"]), "w", closefd=False) as told:
            told.write(f"{size}\n")
    with open(device, "rb") as disk:
        shutil.copyfileobj(disk, sys.stdout.buffer, _BLOCK)
    sys.stdout.buffer.flush()


def import_(env: Mapping[str, str]) -> None:
    """Read what ``export`` wrote to the disk IMPORT_DEVICE.

    Raises:
        Refused: it is larger than the disk.
    """
    device = env.get("IMPORT_DEVICE", "")
    left = size_of(device)
    with open(device, "r+b") as disk:
        while block := sys.stdin.buffer.read(_BLOCK):
            if len(block) > left:
                raise Refused(f"what is read is larger than the disk {device}")
            left -= len(block)
            disk.write(block)
        disk.flush()
        os.fsync(disk.fileno())
