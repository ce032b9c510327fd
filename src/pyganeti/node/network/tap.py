"""Tap interfaces, straight from the kernel.

An interface made here vanishes when the last process that holds it ends, so neither a crash of ours
nor a guest that ends by itself leaves one. Source: Linux, Documentation/networking/tuntap.
"""

import fcntl
import os
import struct
from typing import Final

from pyganeti.model.errors import NetworkError

from .base import Tap

_DEVICE: Final = "/dev/net/tun"
_TUNSETIFF: Final = 0x400454CA
_TUNGETFEATURES: Final = 0x800454CF
_IFF_TAP: Final = 0x0002
_IFF_NO_PI: Final = 0x1000
_IFF_ONE_QUEUE: Final = 0x2000
_IFF_VNET_HDR: Final = 0x4000
_IFF_MULTI_QUEUE: Final = 0x0100
_REQUEST: Final = "16sH22x"


def _open() -> int:
    return os.open(_DEVICE, os.O_RDWR | os.O_CLOEXEC)


def _features(fd: int) -> int:
    answer = fcntl.ioctl(fd, _TUNGETFEATURES, bytes(4))
    return int.from_bytes(answer, "little")


def open_tap(*, queues: int, vnet_hdr: bool, pattern: str = "tap%d") -> Tap:
    """Make a tap with ``queues`` queues; with virtio headers if the kernel knows them.

    The kernel puts the first free number into the ``pattern`` of its name.

    Raises:
        NetworkError: the kernel refused.
    """
    fds: list[int] = []
    try:
        fds.append(_open())
        flags = _IFF_TAP | _IFF_NO_PI | (_IFF_MULTI_QUEUE if queues > 1 else _IFF_ONE_QUEUE)
        with_header = vnet_hdr and bool(_features(fds[0]) & _IFF_VNET_HDR)
        flags |= _IFF_VNET_HDR if with_header else 0
        answer = fcntl.ioctl(fds[0], _TUNSETIFF, struct.pack(_REQUEST, pattern.encode(), flags))
        name = struct.unpack(_REQUEST, answer)[0].rstrip(b"\0")
        for _queue in range(queues - 1):
            fds.append(_open())
            fcntl.ioctl(fds[-1], _TUNSETIFF, struct.pack(_REQUEST, name, flags))
    except OSError as err:
        for fd in fds:
            os.close(fd)
        raise NetworkError(f"cannot make a network interface: {_DEVICE}: {err.strerror}") from err
    return Tap(name.decode("ascii"), tuple(fds), with_header)


def close_tap(tap: Tap) -> None:
    """Close our hold on ``tap``."""
    for fd in tap.fds:
        os.close(fd)
