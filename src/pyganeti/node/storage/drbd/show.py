"""What a device is made of: ``drbdsetup show``, which DRBD 8.4 prints as configuration only. Pure.

Source: drbdsetup(8) of 8.4; ``tests/golden/drbd``. The text has the secret, so it is never quoted.
"""

import re
from dataclasses import dataclass
from typing import Final

# The words of ``_this_host`` and ``_remote_host``; a ``disk`` with a brace has only options.
_DISK: Final = re.compile(r'^\s*(disk|meta-disk)\s+"([^"]*)"', re.MULTILINE)
_TWO_PRIMARIES: Final = re.compile(r"^\s*allow-two-primaries\s+yes;", re.MULTILINE)
# A rate counts where the controller is switched off.
_RATE: Final = re.compile(r"^\s*resync-rate\s+(\w+);", re.MULTILINE)
_NO_CONTROLLER: Final = re.compile(r"^\s*c-plan-ahead\s+0;", re.MULTILINE)
_HOST: Final = re.compile(r"^\s*_(this|remote)_host \{\s*address\s+(ipv[46]) (\S+);", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Shown:
    """A device's parts; what it has not is empty.

    Attributes:
        data, meta: paths of the volumes below.
        local, remote: the ends of its connection, as :attr:`.commands.Link.ends` has them.
        two_primaries: both nodes may write.
        rate: at which it syncs, in KiB/s and with a ``k``, if that is fixed.
    """

    data: str
    meta: str
    local: str
    remote: str
    two_primaries: bool = False
    rate: str = ""


def parse_show(text: str) -> Shown:
    """Read the answer of 8.4's ``drbdsetup show`` for one resource with one volume."""
    data, meta = parse_disks(text)
    hosts = {which: f"{family}:{address}" for which, family, address in _HOST.findall(text)}
    rate = _RATE.search(text)
    return Shown(
        data,
        meta,
        hosts.get("this", ""),
        hosts.get("remote", ""),
        two_primaries=allows_two_primaries(text),
        rate=rate[1] if rate and _NO_CONTROLLER.search(text) else "",
    )


def allows_two_primaries(text: str) -> bool:
    """Whether both nodes may write."""
    return _TWO_PRIMARIES.search(text) is not None


def parse_disks(text: str) -> tuple[str, str]:
    """The volumes below, of data and metadata."""
    disks: dict[str, str] = dict(_DISK.findall(text))
    return disks.get("disk", ""), disks.get("meta-disk", "")
