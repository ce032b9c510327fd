"""What ./quickstart, ./run-tests and the preparation of tests do to the machine itself.

Programs are looked for, Debian's packages installed, a Python environment made. Standard library
only, and nothing of pyganeti: this runs before there is anything else.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

CHECKOUT: Final = Path(__file__).resolve().parent.parent
SOURCE: Final = CHECKOUT / "src"
OLDEST_PYTHON: Final = (3, 11)

# The Debian package of each program that is not on every machine.
PACKAGES: Final[Mapping[str, str]] = {
    "blockdev": "util-linux",
    "busybox": "busybox-static",
    "cpio": "cpio",
    "debootstrap": "debootstrap",
    "debugfs": "e2fsprogs",
    "ip": "iproute2",
    "ldd": "libc-bin",
    "losetup": "mount",
    "make": "make",
    "mke2fs": "e2fsprogs",
    "ps": "procps",
    "qemu-img": "qemu-utils",
    "qemu-system-x86_64": "qemu-system-x86",
    "rst2man": "python3-docutils",
    "socat": "socat",
    "ssh": "openssh-client",
    "sshd": "openssh-server",
    "udevadm": "udev",
}


class SetupError(Exception):
    """Something the user has to know about, in one line."""


class Steps:
    """Numbered steps of a long job, each shown with the time since the start."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._done = 0
        self._start = time.monotonic()

    def begin(self, text: str) -> None:
        """Show that the next step begins."""
        self._done += 1
        elapsed = time.monotonic() - self._start
        print(f"[{self._done}/{self._total}] {elapsed:4.0f} s  {text}", flush=True)


def run_logged(
    argv: Sequence[str], log: Path, *, env: Mapping[str, str] | None = None, timeout_s: float = 900
) -> None:
    """Run a program whose output only matters when it fails.

    Raises:
        SetupError: it failed; names the log.
    """
    with log.open("ab") as out:
        out.write(f"\n$ {' '.join(argv)}\n".encode())
        out.flush()
        try:
            code = subprocess.call(
                argv, stdin=subprocess.DEVNULL, stdout=out, stderr=out, timeout=timeout_s,
                env={**os.environ, **(env or {})},
            )  # fmt: skip
        except FileNotFoundError:
            raise SetupError(f"the program {argv[0]!r} is missing") from None
        except subprocess.TimeoutExpired:
            raise SetupError(f"{argv[0]} took more than {timeout_s:g} s; see {log}") from None
    if code != 0:
        last = log.read_text("utf-8", "replace").strip().splitlines()[-1]
        raise SetupError(f"{argv[0]} failed: {last.strip()}; see {log}")


def check_root() -> None:
    """Refuse to go on as an ordinary user.

    Raises:
        SetupError: we are not root.
    """
    if os.geteuid() != 0:
        raise SetupError("this must run as root: guests, disks and bridges belong to root")


def _is_static(program: str) -> bool:
    said = subprocess.run(["ldd", program], capture_output=True, text=True, check=False)
    return "=>" not in said.stdout


def missing_programs(programs: Sequence[str]) -> list[str]:
    """Which of ``programs`` this machine lacks; a busybox that needs a C library does not count."""
    found = {name: shutil.which(name) for name in programs}
    lacking = [name for name, path in found.items() if path is None]
    busybox = found.get("busybox")
    if busybox and shutil.which("ldd") and not _is_static(busybox):
        lacking.append("busybox")
    return lacking


def install_programs(programs: Sequence[str], log: Path) -> None:
    """Install what is missing of ``programs``, and what makes Python environments.

    Raises:
        SetupError: something is missing that cannot be installed here; names all of it.
    """
    lacking = missing_programs(programs)
    packages = sorted({PACKAGES[name] for name in lacking})
    if find_python() is None:
        packages += ["python3", "python3-venv"]
    if not packages:
        return
    if shutil.which("apt-get") is None:
        wanted = ", ".join(lacking) or "Python 3.11 with its venv module"
        raise SetupError(f"this is not a Debian-like system; please install: {wanted}")
    install_packages(packages, log)
    lacking = missing_programs(programs)
    if lacking or find_python() is None:
        raise SetupError(f"still missing after installing {' '.join(packages)}: {lacking}")


def install_packages(packages: Sequence[str], log: Path) -> None:
    """Install Debian packages without what they only recommend.

    Raises:
        SetupError: apt-get failed.
    """
    quiet = {"DEBIAN_FRONTEND": "noninteractive", "APT_LISTCHANGES_FRONTEND": "none"}
    run_logged(["apt-get", "-q", "update"], log, env=quiet)
    install = ["apt-get", "-q", "-y", "-o", "Dpkg::Use-Pty=0", "--no-install-recommends", "install"]
    run_logged([*install, *packages], log, env=quiet)


def _pythons() -> Iterator[str]:
    # The distribution's own first: it stays when a version manager changes its mind.
    for name in ("/usr/bin/python3", "python3.13", "python3.12", "python3.11", "python3"):
        path = shutil.which(name)
        if path:
            yield path
    yield sys.executable


def find_python() -> str | None:
    """A Python that is new enough and can make environments."""
    test = f"import sys, venv, ensurepip; sys.exit(sys.version_info < {OLDEST_PYTHON})"
    for path in _pythons():
        if subprocess.run([path, "-c", test], capture_output=True, check=False).returncode == 0:
            return path
    return None


def fingerprint(paths: Sequence[Path]) -> str:
    """A hash of the files at and below ``paths``, to see whether anything changed."""
    digest = hashlib.sha256()
    for top in paths:
        files = sorted(top.rglob("*")) if top.is_dir() else [top]
        for path in files:
            if path.is_file() and path.suffix != ".pyc":
                digest.update(str(path).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def _works(python: Path) -> bool:
    """Whether an environment's Python still runs: the one it was made from may be gone."""
    test = [str(python), "-m", "pip", "--version"]
    try:
        return subprocess.run(test, capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def make_environment(place: Path, requirements: Path, log: Path, *, editable: bool = False) -> bool:
    """Make or renew the Python environment ``place`` with pyganeti and its requirements.

    Args:
        editable: use the sources where they lie, for developers.

    Returns:
        Whether anything had to be done.

    Raises:
        SetupError: pip failed.
    """
    python = find_python()
    if python is None:
        raise SetupError("no Python 3.11 or newer with its venv module was found")
    sources = [CHECKOUT / "pyproject.toml", requirements]
    stamp, want = place / "made-from", fingerprint(sources if editable else [*sources, SOURCE])
    if stamp.is_file() and stamp.read_text() == want:
        return False
    if not _works(place / "bin" / "python"):
        run_logged([python, "-m", "venv", "--clear", str(place)], log)
    pip = [str(place / "bin" / "pip"), "install", "--disable-pip-version-check", "--no-input"]
    run_logged([*pip, "--require-hashes", "-r", str(requirements)], log)
    own = ["--editable", str(CHECKOUT)] if editable else ["--force-reinstall", str(CHECKOUT)]
    run_logged([*pip, "--no-deps", "--no-build-isolation", *own], log)
    stamp.write_text(want)
    return True
