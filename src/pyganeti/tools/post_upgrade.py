"""``post-upgrade``: what is left to do after the change from another version.

Run by ``gnt-cluster upgrade`` on the master once the new daemons run. Source: Ganeti's tool of this
name: what certificates and keys of old versions lack is made anew.
"""

import re
import sys
from collections.abc import Callable, Sequence
from typing import Final

from pyganeti.kit.process import ProcessError, run_attached

OK: Final = 0
FAILURE: Final = 1
_VERSION: Final = re.compile(r"(\d{1,3})\.(\d{1,3})(?:\.(\d{1,3}))?(?:[~-]\w+)?", re.ASCII)
# Before these, nodes had no certificates of their own, and one key was all nodes'.
_NODE_CERTIFICATES: Final = (2, 12, 5)
_NODE_KEYS: Final = (2, 13, 0)
_USAGE: Final = "usage: post-upgrade VERSION, the one that the cluster was of before: 3.1.0"


def renewals(old: tuple[int, int, int]) -> list[str]:
    """Options of ``gnt-cluster renew-crypto`` for what a cluster of that version lacks."""
    wanted = ["--new-node-certificates"] if old < _NODE_CERTIFICATES else []
    return [*wanted, *(["--new-ssh-keys"] if old < _NODE_KEYS else [])]


def main(
    argv: Sequence[str] | None = None, run: Callable[[Sequence[str]], int] = run_attached
) -> int:
    """Entry point; what is no version is refused, and nothing done."""
    words = list(sys.argv[1:] if argv is None else argv)
    if words in (["--help"], ["-h"]):
        print(_USAGE)
        return OK
    match = _VERSION.fullmatch(words[0]) if len(words) == 1 else None
    if match is None:
        print(_USAGE, file=sys.stderr)
        return FAILURE
    code = OK
    for option in renewals((int(match[1]), int(match[2]), int(match[3] or 0))):
        try:
            if run(["gnt-cluster", "renew-crypto", "-f", option]) != OK:
                code = FAILURE
        except ProcessError as err:
            print(f"post-upgrade: {err}", file=sys.stderr)
            code = FAILURE
    return code


if __name__ == "__main__":
    sys.exit(main())
