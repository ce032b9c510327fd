"""Root's ``authorized_keys``: which hosts have left more keys there than their last one.

A line is options (maybe), a type, the key, and a comment, which for the cluster's keys is
``user@host``. Blocking: call it in a thread. Source: gnt-cluster(8) VERIFY; sshd(8).
"""

from collections import defaultdict
from collections.abc import Collection
from typing import Final

from pyganeti.kit.files import read_bytes
from pyganeti.kit.paths import Paths

_TYPES: Final = ("ssh-", "ecdsa-", "sk-")


def find_clutter(paths: Paths, hosts: Collection[str]) -> dict[str, int]:
    """``user@host`` of those of ``hosts`` that have several keys, with their number."""
    if not hosts:
        return {}
    data = read_bytes(f"{paths.rootdir}/root/.ssh/authorized_keys") or b""
    return parse_clutter(data.decode("utf-8", "replace"), hosts)


def parse_clutter(text: str, hosts: Collection[str]) -> dict[str, int]:
    """As :func:`find_clutter`, of the file's content; the same key twice counts once."""
    keys: defaultdict[str, set[str]] = defaultdict(set)
    for line in text.splitlines():
        words = line.split()
        places = [index for index, word in enumerate(words) if word.startswith(_TYPES)]
        if line.startswith("#") or not places:
            continue
        # Options come before the type and may hold what looks like one, so the last counts.
        _type, *rest = words[places[-1] :]
        if len(rest) > 1 and rest[1].partition("@")[2] in hosts:
            keys[rest[1]].add(rest[0])
    return {owner: len(found) for owner, found in sorted(keys.items()) if len(found) > 1}
