"""DRBD 8.4's commands, as data. Pure.

Each device is a resource of its own, ``resourceN`` for minor N, with the volume 0. Its metadata
lies on a volume of its own, flexible size, index 0.

Source: drbdsetup(8), drbdmeta(8) of 8.4; gnt-cluster(8), ``--disk-parameters``.
"""

import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from pyganeti.kit.process import Command

from .show import parse_show

__all__ = ["parse_show"]

_TIMEOUT_S: Final = 60.0
# Attaching replays the activity log, creating metadata clears 128 MiB.
_SLOW_S: Final = 300.0
_FORMAT: Final = "v08"
HMAC: Final = "md5"

# Any: filled disk parameters in their device form, checked by the master.
Params = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Link:
    """The way to the peer: addresses of the replication network, and the secret both know."""

    local_ip: str
    remote_ip: str
    port: int
    secret: str

    @property
    def ends(self) -> tuple[str, str]:
        """Both ends as DRBD names them."""
        return _endpoint(self.local_ip, self.port), _endpoint(self.remote_ip, self.port)


def _endpoint(ip: str, port: int) -> str:
    return f"ipv6:[{ip}]:{port}" if ":" in ip else f"ipv4:{ip}:{port}"


def resource(minor: int) -> str:
    """Name of the resource with this minor."""
    return f"resource{minor}"


def events() -> Command:
    """Say how all devices are; see :mod:`.state`."""
    return setup("events2", "--now", "--statistics")


def show(minor: int) -> Command:
    """Say what the device is made of, the secret included; see :mod:`.show`."""
    return setup("show", resource(minor))


def generations(minor: int) -> Command:
    """Say of which generation the data is, and of which it comes; see :mod:`.generations`."""
    return setup("get-gi", str(minor))


def create_metadata(minor: int, place: str) -> Command:
    """Write fresh metadata, over whatever is there: the disk then counts as never written."""
    return meta(_FORMAT, minor, place, "create-md", "--force")


def apply_log(minor: int, place: str) -> Command:
    """Do what a crash left to be done; DRBD attaches no other metadata."""
    return meta(_FORMAT, minor, place, "apply-al")


def new_resource(minor: int, _link: Link) -> Command:
    """Make an empty resource; one that exists is an error."""
    return setup("new-resource", resource(minor))


def new_minor(minor: int) -> Command:
    """Give the resource its device; one that exists is fine."""
    return setup("new-minor", resource(minor), str(minor), "0")


def attach(minor: int, data: str, place: str, size_mib: int, params: Params) -> Command:
    """Give the device its disk, whose metadata is at ``place``.

    With size 0 it has the one of its metadata, or else all that its volumes hold.
    """
    words = [str(minor), data, place, "0", "--on-io-error=detach"]
    words += [f"--size={size_mib}m"] if size_mib else []
    words += _barriers(params)
    words += shlex.split(params.get("disk-custom") or "")
    return setup("attach", *words, timeout_s=_SLOW_S)


def _barriers(params: Params) -> Iterator[str]:
    """What is named is switched off."""
    off = params.get("disabled-barriers", "n")
    for letter, option in (("b", "disk-barrier"), ("d", "disk-drain"), ("f", "disk-flushes")):
        if letter in off:
            yield f"--{option}=no"
    if params.get("disable-meta-flush"):
        yield "--md-flushes=no"


def sync_words(params: Params) -> list[str]:
    """How fast it may sync: at a fixed rate, or as DRBD's controller finds good. KiB/s, 0.1 s."""
    if not params.get("dynamic-resync"):
        # Without that the controller stays in charge and the rate is none.
        return ["--c-plan-ahead=0", f"--resync-rate={params['resync-rate']}"]
    names = ("c-plan-ahead", "c-fill-target", "c-delay-target", "c-max-rate", "c-min-rate")
    return [f"--{name}={params[name]}" for name in names]


def tune_disk(minor: int, params: Params) -> tuple[Command, ...]:
    """How fast the disk, which is attached, may be synced."""
    return (setup("disk-options", str(minor), *sync_words(params)),)


def tune_peer(_minor: int, _link: Link, _params: Params) -> tuple[Command, ...]:
    """Nothing: the connection has no rates."""
    return ()


def connect(minor: int, link: Link, params: Params) -> tuple[Command, ...]:
    """Look for the peer."""
    words = [resource(minor), *link.ends, f"--protocol={params.get('protocol', 'C')}"]
    # What a split brain may be healed by: a side that wrote nothing gives in; nothing else.
    words += ["--after-sb-0pri=discard-zero-changes", "--after-sb-1pri=consensus"]
    words += [f"--cram-hmac-alg={HMAC}", f"--shared-secret={link.secret}"]
    words += shlex.split(params.get("net-custom") or "")
    return (setup("connect", *words),)


def disconnect(_minor: int, ends: tuple[str, str]) -> tuple[Command, ...]:
    """End the connection between ``ends``, and try no more."""
    return (setup("disconnect", *ends),)


def allow_two_primaries(_minor: int, link: Link, *, allow: bool, protocol: str) -> Command:
    """Let both nodes write, which needs protocol C, or not any more."""
    answer = "yes" if allow else "no"
    words = (f"--protocol={'C' if allow else protocol}", f"--allow-two-primaries={answer}")
    return setup("net-options", *link.ends, *words)


def detach(minor: int) -> Command:
    """Take the disk away; refused where the peer has none that is good."""
    return setup("detach", str(minor), timeout_s=_SLOW_S)


def primary(minor: int, *, force: bool = False) -> Command:
    """Let this node write; with ``force`` its disk counts as good, whatever it is."""
    return setup("primary", str(minor), *(["--force"] if force else []))


def secondary(minor: int) -> Command:
    """Let this node write no more; refused while the device is open."""
    return setup("secondary", str(minor))


def resize(minor: int, size_mib: int) -> Command:
    """Use more of the disk, which was grown on both nodes before, connected or not."""
    words = (str(minor), f"--size={size_mib}m", "--assume-peer-has-space")
    return setup("resize", *words, timeout_s=_SLOW_S)


def down(minor: int) -> Command:
    """Disconnect, detach and forget the device; a missing one is fine."""
    return setup("down", resource(minor))


def setup(*words: str, timeout_s: float = _TIMEOUT_S) -> Command:
    """Tell the kernel something, or ask it."""
    return Command(("drbdsetup", *words), timeout_s=timeout_s)


def meta(version: str, minor: int, place: str, *words: str) -> Command:
    """Work on metadata: action, options and arguments."""
    action, *rest = words
    options = [word for word in rest if word.startswith("--")]
    arguments = [word for word in rest if not word.startswith("--")]
    argv = ("drbdmeta", *options, str(minor), version, place, "0", action, *arguments)
    return Command(argv, timeout_s=_SLOW_S)
