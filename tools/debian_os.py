"""Debian's own OS definitions, and what one of them installs, for guests of the tests.

Packages are unpacked, never installed. Standard library only, since it runs before there is an
environment.
"""

import subprocess
from pathlib import Path
from typing import Final

from tools.machine import CHECKOUT, SetupError, run_logged

SUITE: Final = "bookworm"
OS_PACKAGES: Final = "ganeti-instance-debootstrap ganeti-os-noop"
# Where the definition "debootstrap" looks for the tree of a suite before it makes one.
TREE_NAME: Final = f"cache-{SUITE}-amd64.tar"
TREE: Final = CHECKOUT / ".cache" / "debootstrap" / TREE_NAME
# What a guest needs to show a login prompt and to obey the power button.
_GUEST_PACKAGES: Final = "systemd-sysv,udev,dbus,ifupdown,iproute2"


def fetch_packages(place: Path, names: str, log: Path) -> None:
    """Unpack packages in ``place/root``, once.

    Raises:
        SetupError: one cannot be fetched.
    """
    if (place / "done").exists():
        return
    place.mkdir(parents=True, exist_ok=True)
    unpack = (
        f"cd {place} && apt-get -q -o APT::Sandbox::User=root download {names}"
        " && for package in *.deb; do dpkg -x $package root; done && touch done"
    )
    run_logged(["sh", "-c", unpack], log)


def make_guest_tree(log: Path) -> None:
    """Make the file tree of a Debian guest once, as the tar file ``TREE``.

    Raises:
        SetupError: the sources of this machine do not have the suite, or a program failed.
    """
    if TREE.exists():
        return
    TREE.parent.mkdir(parents=True, exist_ok=True)
    tree = TREE.parent / "tree"
    # Each command is complete or leaves no tar file; the tree itself is thrown away.
    make = (
        f"rm -rf {tree} && debootstrap --variant=minbase --include={_GUEST_PACKAGES}"
        f" {SUITE} {tree} {_package_mirror()}"
        f" && rm -f {tree}/var/cache/apt/archives/*.deb && tar -c -f {TREE}.new -C {tree} ."
        f" && mv {TREE}.new {TREE} && rm -rf {tree}"
    )
    run_logged(["sh", "-c", make], log)


def _package_mirror() -> str:
    wanted = ["apt-get", "indextargets", "--format", "$(REPO_URI)"]
    found = subprocess.run(
        [*wanted, "Identifier: Packages", f"Codename: {SUITE}"],
        capture_output=True,
        text=True,
        check=False,
    ).stdout.split()
    if not found:
        raise SetupError(f"the package sources of this machine do not have {SUITE}")
    return found[0]
