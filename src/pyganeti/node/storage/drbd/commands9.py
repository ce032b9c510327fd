"""DRBD 9's commands, as data, where they are not 8.4's. Pure. Never tried on a module.

A resource has connections to peers, which have numbers: of the two ends the one that comes first
has 0. Rates of syncs are the connection's and not the disk's.

Source: drbdsetup(8), drbdmeta(8) of 9; ``tests/golden/drbd/9.22``.
"""

import re
import shlex
from dataclasses import replace
from typing import Final

from pyganeti.kit.process import Command

from .commands import HMAC, Link, Params, meta, resource, setup, sync_words
from .show import Shown, allows_two_primaries, parse_disks

_FORMAT: Final = "v09"
_PEERS: Final = "1"
_PATH: Final = re.compile(r"^\s*_(this|remote)_host (ipv[46]) (\S+);", re.MULTILINE)
# drbdsetup's exit code of a command that the kernel refuses.
_REFUSED: Final = 10


def numbers(ends: tuple[str, str]) -> tuple[str, str]:
    """Numbers of the local node and its peer; both come to the same."""
    local, remote = ends
    return ("0", "1") if local < remote else ("1", "0")


def create_metadata(minor: int, place: str) -> Command:
    """Write fresh metadata, over whatever is there, for one peer."""
    return meta(_FORMAT, minor, place, "create-md", "--force", _PEERS)


def apply_log(minor: int, place: str) -> Command:
    """Do what a crash left to be done."""
    return meta(_FORMAT, minor, place, "apply-al")


def new_resource(minor: int, link: Link) -> Command:
    """Make an empty resource; one that exists is an error."""
    return setup("new-resource", resource(minor), numbers(link.ends)[0])


def tune_disk(_minor: int, _params: Params) -> tuple[Command, ...]:
    """Nothing: the disk has no rates."""
    return ()


def tune_peer(minor: int, link: Link, params: Params) -> tuple[Command, ...]:
    """How fast it may sync with the peer, which is known."""
    words = (resource(minor), numbers(link.ends)[1], "0", *sync_words(params))
    return (setup("peer-device-options", *words),)


def connect(minor: int, link: Link, params: Params) -> tuple[Command, ...]:
    """Look for the peer, forgetting what was known of one."""
    peer = numbers(link.ends)[1]
    words = [f"--_name=node{peer}", f"--protocol={params.get('protocol', 'C')}"]
    words += ["--after-sb-0pri=discard-zero-changes", "--after-sb-1pri=consensus"]
    words += [f"--cram-hmac-alg={HMAC}", f"--shared-secret={link.secret}"]
    words += shlex.split(params.get("net-custom") or "")
    name = resource(minor)
    return (
        _tolerant(setup("del-peer", name, peer)),
        setup("new-peer", name, peer, *words),
        setup("new-path", name, peer, *link.ends),
        *tune_peer(minor, link, params),
        setup("connect", name, peer),
    )


def disconnect(minor: int, ends: tuple[str, str]) -> tuple[Command, ...]:
    """End the connection, and forget the peer."""
    peer = numbers(ends)[1]
    return setup("disconnect", resource(minor), peer), setup("del-peer", resource(minor), peer)


def allow_two_primaries(minor: int, link: Link, *, allow: bool, protocol: str) -> Command:
    """Let both nodes write, which needs protocol C, or not any more."""
    answer = "yes" if allow else "no"
    words = (f"--protocol={'C' if allow else protocol}", f"--allow-two-primaries={answer}")
    return setup("net-options", resource(minor), numbers(link.ends)[1], *words)


def primary(minor: int, *, force: bool = False) -> Command:
    """Let this node write; with ``force`` its disk counts as good, whatever it is."""
    return setup("primary", resource(minor), *(["--force"] if force else []))


def secondary(minor: int) -> Command:
    """Let this node write no more; refused while the device is open."""
    return setup("secondary", resource(minor))


def parse_show(text: str) -> Shown:
    """Read the answer of ``drbdsetup show`` for one resource with one volume and one peer."""
    hosts = {which: f"{family}:{address}" for which, family, address in _PATH.findall(text)}
    data, place = parse_disks(text)
    two_primaries = allows_two_primaries(text)
    return Shown(data, place, hosts.get("this", ""), hosts.get("remote", ""), two_primaries)


def _tolerant(command: Command) -> Command:
    return replace(command, ok_codes=frozenset({0, _REFUSED}))
