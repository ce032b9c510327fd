"""Everything the end-to-end tests need and must not fetch themselves: ``make prepare``.

Run by the machine's python3, before there is an environment. Makes ``.venv``, the file tree of a
Debian guest (``tools/debian_os.py``), ``.cache/wheels`` (``tools/deb/wheels.py``) and in
``.cache/e2e``:

    boot/          kernel and initial RAM disk of guests
    os-packages/   the OS definitions ganeti-instance-debootstrap and ganeti-os-noop, unpacked
    ganeti/        Ganeti's own client library and what it imports, unpacked
    prometheus/    Debian's package of Prometheus, unpacked: promtool tries the alert rules
    ganeti-debs/   Debian's packages of Ganeti, and those they need that this machine has not

What is there already is kept; ``.cache`` may be removed at any time.
"""

import os
import shutil
import sys
from collections.abc import Mapping
from typing import Final

from tools import debian_os
from tools.deb.wheels import fetch as fetch_wheels
from tools.debian_os import fetch_packages, make_guest_tree
from tools.machine import (
    CHECKOUT,
    PACKAGES,
    SetupError,
    Steps,
    check_root,
    install_packages,
    install_programs,
    make_environment,
    run_logged,
)

CACHE: Final = CHECKOUT / ".cache" / "e2e"
LOG: Final = CHECKOUT / ".cache" / "prepare.log"
BOOT: Final = CACHE / "boot"
OS_PACKAGES: Final = CACHE / "os-packages"
GANETI_PACKAGES: Final = CACHE / "ganeti"
GANETI_DEBS: Final = CACHE / "ganeti-debs"
PROMETHEUS: Final = CACHE / "prometheus"
PROMTOOL: Final = PROMETHEUS / "root/usr/bin/promtool"

# The library, and the modules that it imports. One that a machine's sources do not have is missed
# by one test only, which says so.
CLIENT_PACKAGES: Final = (
    "ganeti-3.0 python3-bitarray python3-cffi-backend python3-cryptography python3-openssl"
    " python3-psutil python3-pycurl python3-pyparsing python3-simplejson"
)
# What some tests need and skip without, by package: a program, or a directory.
OPTIONAL_PACKAGES: Final[Mapping[str, str]] = {
    "dosfstools": "fsck.fat",
    "mtools": "mtype",
    "openvswitch-switch": "ovs-vsctl",
    "ovmf": "/usr/share/OVMF",
    "swtpm": "swtpm",
}


def install_optional() -> None:
    """Install what tests skip without, where it can be had."""
    lacking = [
        package
        for package, what in OPTIONAL_PACKAGES.items()
        if not (os.path.isdir(what) or shutil.which(what))
    ]
    if not lacking or shutil.which("apt-get") is None:
        return
    try:
        install_packages(lacking, LOG)
    except SetupError as err:
        print(f"prepare: without {' and '.join(lacking)}: {err}", file=sys.stderr)


def fetch_client() -> None:
    """Unpack Ganeti's client library, where it can be had."""
    try:
        fetch_packages(GANETI_PACKAGES, CLIENT_PACKAGES, LOG)
    except SetupError as err:
        print(f"prepare: without Ganeti's client library: {err}", file=sys.stderr)


def fetch_prometheus() -> None:
    """Unpack Prometheus, where it can be had: installed it would start a server."""
    try:
        fetch_packages(PROMETHEUS, "prometheus", LOG)
    except SetupError as err:
        print(f"prepare: without promtool: {err}", file=sys.stderr)


def fetch_ganeti() -> None:
    """Fetch Debian's packages of Ganeti, where they can be had; they are not installed here."""
    if (GANETI_DEBS / "done").exists():
        return
    (GANETI_DEBS / "partial").mkdir(parents=True, exist_ok=True)
    options = ["-o", f"Dir::Cache::archives={GANETI_DEBS}", "-o", "APT::Sandbox::User=root"]
    words = ["apt-get", "-q", "-y", "--no-install-recommends", "--download-only", *options]
    try:
        run_logged([*words, "install", "ganeti"], LOG)
    except SetupError as err:
        print(f"prepare: without Debian's Ganeti: {err}", file=sys.stderr)
    else:
        (GANETI_DEBS / "done").touch()


def prepare() -> None:
    """Do all of it, showing progress."""
    check_root()
    LOG.parent.mkdir(exist_ok=True)
    steps = Steps(7)
    steps.begin("programs")
    install_programs(sorted(PACKAGES), LOG)
    install_optional()
    steps.begin("Python environment .venv")
    requirements = CHECKOUT / "requirements" / "dev.txt"
    make_environment(CHECKOUT / ".venv", requirements, LOG, editable=True)
    steps.begin("Python packages that the Debian package bundles")
    fetch_wheels(LOG, CHECKOUT / ".venv" / "bin" / "python")
    steps.begin("kernel and initial RAM disk of guests")
    run_logged([str(CHECKOUT / "os/micro/build-boot"), str(BOOT)], LOG)
    steps.begin("OS definitions of Debian's packages")
    fetch_packages(OS_PACKAGES, debian_os.OS_PACKAGES, LOG)
    steps.begin("Ganeti's client library and packages, Prometheus")
    fetch_client()
    fetch_prometheus()
    fetch_ganeti()
    steps.begin("file tree of the debootstrap guest")
    make_guest_tree(LOG)


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
