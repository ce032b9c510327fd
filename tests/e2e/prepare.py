"""Everything the end-to-end tests need and must not fetch themselves: ``make prepare``.

Run by the machine's python3, before there is an environment. Makes ``.venv`` and in ``.cache/e2e``:

    boot/          kernel and initial RAM disk of guests
    os-packages/   the OS definitions ganeti-instance-debootstrap and ganeti-os-noop, unpacked
    ganeti/        Ganeti's own client library and what it imports, unpacked
    debootstrap/   the tree that the former installs, as the cache file it looks for

What is there already is kept; ``.cache`` may be removed at any time.
"""

import subprocess
import sys
from pathlib import Path
from typing import Final

from tools.machine import (
    CHECKOUT,
    PACKAGES,
    SetupError,
    Steps,
    check_root,
    install_programs,
    make_environment,
    run_logged,
)

CACHE: Final = CHECKOUT / ".cache" / "e2e"
LOG: Final = CHECKOUT / ".cache" / "prepare.log"
BOOT: Final = CACHE / "boot"
OS_PACKAGES: Final = CACHE / "os-packages"
GANETI_PACKAGES: Final = CACHE / "ganeti"
SUITE: Final = "bookworm"
TREE: Final = CACHE / "debootstrap" / f"cache-{SUITE}-amd64.tar"

# The library, and the modules that it imports. One that a machine's sources do not have is missed
# by one test only, which says so.
CLIENT_PACKAGES: Final = (
    "ganeti-3.0 python3-bitarray python3-cffi-backend python3-cryptography python3-openssl"
    " python3-psutil python3-pycurl python3-pyparsing python3-simplejson"
)
# What a guest needs to show a login prompt and to obey the power button.
GUEST_PACKAGES: Final = "systemd-sysv,udev,dbus,ifupdown,iproute2"


def fetch_packages(place: Path, names: str) -> None:
    """Unpack packages in ``place``, without installing them.

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
    run_logged(["sh", "-c", unpack], LOG)


def fetch_client() -> None:
    """Unpack Ganeti's client library, where it can be had."""
    try:
        fetch_packages(GANETI_PACKAGES, CLIENT_PACKAGES)
    except SetupError as err:
        print(f"prepare: without Ganeti's client library: {err}", file=sys.stderr)


def package_mirror() -> str:
    """Where this machine takes the packages of the suite from.

    Raises:
        SetupError: its sources do not have the suite.
    """
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


def make_guest_tree() -> None:
    """Make the file tree of the debootstrap guest once, as the tar file its script looks for."""
    if TREE.exists():
        return
    TREE.parent.mkdir(parents=True, exist_ok=True)
    tree = TREE.parent / "tree"
    # Each command is complete or leaves no tar file; the tree itself is thrown away.
    make = (
        f"rm -rf {tree} && debootstrap --variant=minbase --include={GUEST_PACKAGES}"
        f" {SUITE} {tree} {package_mirror()}"
        f" && rm -f {tree}/var/cache/apt/archives/*.deb && tar -c -f {TREE}.new -C {tree} ."
        f" && mv {TREE}.new {TREE} && rm -rf {tree}"
    )
    run_logged(["sh", "-c", make], LOG)


def prepare() -> None:
    """Do all of it, showing progress."""
    check_root()
    LOG.parent.mkdir(exist_ok=True)
    steps = Steps(6)
    steps.begin("programs")
    install_programs(sorted(PACKAGES), LOG)
    steps.begin("Python environment .venv")
    requirements = CHECKOUT / "requirements" / "dev.txt"
    make_environment(CHECKOUT / ".venv", requirements, LOG, editable=True)
    steps.begin("kernel and initial RAM disk of guests")
    run_logged([str(CHECKOUT / "os/micro/build-boot"), str(BOOT)], LOG)
    steps.begin("OS definitions of Debian's packages")
    fetch_packages(OS_PACKAGES, "ganeti-instance-debootstrap ganeti-os-noop")
    steps.begin("Ganeti's client library")
    fetch_client()
    steps.begin("file tree of the debootstrap guest")
    make_guest_tree()


def main() -> int:
    """Prepare, and return the exit code."""
    try:
        prepare()
    except SetupError as err:
        print(f"prepare: {err}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
