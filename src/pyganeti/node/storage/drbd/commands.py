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

_TIMEOUT_S: Final = 60.0
# Attaching replays the activity log, creating metadata clears 128 MiB.
_SLOW_S: Final = 300.0
_FORMAT: Final = "v08"
_HMAC: Final = "md5"

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
    return _setup("events2", "--now", "--statistics")


def show(minor: int) -> Command:
    """Say what the device is made of, the secret included; see :mod:`.show`."""
    return _setup("show", resource(minor))


def create_metadata(minor: int, meta: str) -> Command:
    """Write fresh metadata, over whatever is there: the disk then counts as never written."""
    return _meta(minor, meta, "create-md", "--force")


def apply_log(minor: int, meta: str) -> Command:
    """Do what a crash left to be done; DRBD attaches no other metadata."""
    return _meta(minor, meta, "apply-al")


def new_resource(minor: int) -> Command:
    """Make an empty resource; one that exists is an error."""
    return _setup("new-resource", resource(minor))


def new_minor(minor: int) -> Command:
    """Give the resource its device; one that exists is fine."""
    return _setup("new-minor", resource(minor), str(minor), "0")


def attach(minor: int, data: str, meta: str, size_mib: int, params: Params) -> Command:
    """Give the device its disk."""
    words = [str(minor), data, meta, "0", "--on-io-error=detach", f"--size={size_mib}m"]
    words += _barriers(params)
    words += shlex.split(params.get("disk-custom") or "")
    return _setup("attach", *words, timeout_s=_SLOW_S)


def _barriers(params: Params) -> Iterator[str]:
    """What is named is switched off."""
    off = params.get("disabled-barriers", "n")
    for letter, option in (("b", "disk-barrier"), ("d", "disk-drain"), ("f", "disk-flushes")):
        if letter in off:
            yield f"--{option}=no"
    if params.get("disable-meta-flush"):
        yield "--md-flushes=no"


def sync_options(minor: int, params: Params) -> Command:
    """How fast it may sync: at a fixed rate, or as DRBD's controller finds good. KiB/s, 0.1 s."""
    if params.get("dynamic-resync"):
        names = ("c-plan-ahead", "c-fill-target", "c-delay-target", "c-max-rate", "c-min-rate")
        options = [f"--{name}={params[name]}" for name in names]
    else:
        # Without that the controller stays in charge and the rate is none.
        options = ["--c-plan-ahead=0", f"--resync-rate={params['resync-rate']}"]
    return _setup("disk-options", str(minor), *options)


def connect(minor: int, link: Link, params: Params) -> Command:
    """Look for the peer."""
    words = [resource(minor), *link.ends, f"--protocol={params.get('protocol', 'C')}"]
    # What a split brain may be healed by: a side that wrote nothing gives in; nothing else.
    words += ["--after-sb-0pri=discard-zero-changes", "--after-sb-1pri=consensus"]
    words += [f"--cram-hmac-alg={_HMAC}", f"--shared-secret={link.secret}"]
    words += shlex.split(params.get("net-custom") or "")
    return _setup("connect", *words)


def disconnect(ends: tuple[str, str]) -> Command:
    """End the connection between ``ends``, and try no more."""
    return _setup("disconnect", *ends)


def allow_two_primaries(link: Link, *, allow: bool, protocol: str) -> Command:
    """Let both nodes write, which needs protocol C, or not any more."""
    answer = "yes" if allow else "no"
    words = (f"--protocol={'C' if allow else protocol}", f"--allow-two-primaries={answer}")
    return _setup("net-options", *link.ends, *words)


def detach(minor: int) -> Command:
    """Take the disk away; refused where the peer has none that is good."""
    return _setup("detach", str(minor), timeout_s=_SLOW_S)


def primary(minor: int, *, force: bool = False) -> Command:
    """Let this node write; with ``force`` its disk counts as good, whatever it is."""
    return _setup("primary", str(minor), *(["--force"] if force else []))


def secondary(minor: int) -> Command:
    """Let this node write no more; refused while the device is open."""
    return _setup("secondary", str(minor))


def resize(minor: int, size_mib: int) -> Command:
    """Use more of the disk, which was grown on both nodes before, connected or not."""
    words = (str(minor), f"--size={size_mib}m", "--assume-peer-has-space")
    return _setup("resize", *words, timeout_s=_SLOW_S)


def down(minor: int) -> Command:
    """Disconnect, detach and forget the device; a missing one is fine."""
    return _setup("down", resource(minor))


def _setup(*words: str, timeout_s: float = _TIMEOUT_S) -> Command:
    return Command(("drbdsetup", *words), timeout_s=timeout_s)


def _meta(minor: int, meta: str, *words: str) -> Command:
    action, *options = words
    argv = ("drbdmeta", *options, str(minor), _FORMAT, meta, "0", action)
    return Command(argv, timeout_s=_SLOW_S)
