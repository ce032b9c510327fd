"""Where the package puts each program: from the one list of them, ``project.scripts``.

Every program is a script in ``/usr/lib/pyganeti/MINOR/bin``, beside the interpreter that runs it;
where people and other programs look for it stands a link, which leads to the version that the node
works with. Source: Debian's package of Ganeti.
"""

import tomllib
from collections.abc import Mapping
from typing import Final

from tools.machine import CHECKOUT

TOP: Final = "usr/lib/pyganeti"
DEFAULT: Final = f"{TOP}/default"
# What gnt-cluster upgrade changes.
VERSION_LINK: Final = "/etc/ganeti/lib"
_HELPERS: Final = "usr/lib/ganeti"

# What nobody calls by hand, and what others call by its path; all else that is neither a command,
# a daemon nor of htools is a tool.
_IN_HELPERS: Final = frozenset(
    {
        "check-cert-expired",
        "daemon-util",
        "ensure-dirs",
        "import-export",
        "kvm-ifup",
        "mon-collector",
        "node-daemon-setup",
        "prepare-node-join",
        "ssh-update",
        "ssl-update",
    }
)
_HTOOLS: Final = frozenset(
    {"hail", "harep", "hbal", "hcheck", "hinfo", "hroller", "hscan", "hspace", "hsqueeze", "htools"}
)
# Other names of a program, as paths.
_ALSO: Final = {"hail": (f"{_HELPERS}/iallocators/hail",)}


def scripts() -> dict[str, str]:
    """Entry points (``module:function``) by program."""
    text = (CHECKOUT / "pyproject.toml").read_text("utf-8")
    found: dict[str, str] = tomllib.loads(text)["project"]["scripts"]
    return found


def place(program: str) -> str:
    """The path of a program, without the leading slash."""
    if program.startswith(("gnt-", "ganeti-")):
        return f"usr/sbin/{program}"
    if program in _HTOOLS:
        return f"usr/bin/{program}"
    if program in _IN_HELPERS:
        return f"{_HELPERS}/{program}"
    return f"{_HELPERS}/tools/{program}"


def links(programs: Mapping[str, str]) -> dict[str, str]:
    """Links to make, by path: the program each leads to."""
    found = {place(name): name for name in programs}
    for name, others in _ALSO.items():
        if name in programs:
            found |= dict.fromkeys(others, name)
    return found


def script(entry: str, minor: str) -> str:
    """The text of a program with that entry point, of that version."""
    module, _, function = entry.partition(":")
    # Isolated: neither the user's environment nor the current directory decide what runs as root.
    return (
        f"#!/{TOP}/{minor}/bin/python3 -I\nimport sys\n\nfrom {module} import {function}\n\n"
        f"sys.exit({function}())\n"
    )
