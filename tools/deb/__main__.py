"""``make deb``: one package for Debian 12, in ``dist``.

    sources, wheels, packaging/ -> tree -> dpkg-deb -> dist/pyganeti_VERSION_amd64.deb

Needs what ``make prepare`` fetched and nothing of the network. The same commit gives the same file.
"""

import gzip
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path
from typing import Final

from pyganeti.model.versions import RELEASE_VERSION
from tools.deb.tree import (
    CONFFILES,
    PACKAGING,
    add_documents,
    add_programs,
    add_python,
    add_settings,
)
from tools.machine import CHECKOUT, SetupError, run_logged

DIST: Final = CHECKOUT / "dist"
LOG: Final = CHECKOUT / ".cache" / "deb.log"
_SCRIPTS: Final = ("preinst", "postinst", "prerm", "postrm")


def version() -> str:
    """Of the project, and so of the package."""
    text = (CHECKOUT / "pyproject.toml").read_text("utf-8")
    found: str = tomllib.loads(text)["project"]["version"]
    return found


def path() -> Path:
    """Of the package."""
    return DIST / f"pyganeti_{version()}_amd64.deb"


def _commit_time() -> str:
    argv = ["git", "-C", str(CHECKOUT), "log", "-1", "--format=%ct"]
    found = subprocess.run(argv, capture_output=True, text=True, check=False).stdout.strip()
    return os.environ.get("SOURCE_DATE_EPOCH") or found or "0"


def _add_changelog(root: Path, when: str) -> None:
    date = subprocess.run(
        ["date", "--utc", "--rfc-email", f"--date=@{when}"],
        capture_output=True, text=True, check=True,
    ).stdout.strip()  # fmt: skip
    text = (
        f"pyganeti ({version()}) unstable; urgency=medium\n\n  * See the news of the project.\n\n"
        f" -- pyganeti developers <pyganeti@example.com>  {date}\n"
    )
    place = root / "usr/share/doc/pyganeti/changelog.gz"
    place.write_bytes(gzip.compress(text.encode(), 9, mtime=0))


def _add_control(root: Path) -> None:
    files = [file for file in sorted(root.rglob("*")) if file.is_file() and not file.is_symlink()]
    size = sum(-(-file.stat().st_size // 1024) for file in files)
    control = root / "DEBIAN"
    control.mkdir()
    text = (PACKAGING / "deb/control").read_text("utf-8")
    for key, value in (("VERSION", version()), ("RELEASE", RELEASE_VERSION), ("SIZE", str(size))):
        text = text.replace(f"@{key}@", value)
    (control / "control").write_text(text, "utf-8")
    (control / "conffiles").write_text("".join(f"/{name}\n" for name in CONFFILES), "utf-8")
    sums = (f"{hashlib.md5(file.read_bytes()).hexdigest()}  {file.relative_to(root)}\n"
            for file in files if str(file.relative_to(root)) not in CONFFILES)  # fmt: skip
    (control / "md5sums").write_text("".join(sums), "utf-8")
    for name in _SCRIPTS:
        shutil.copyfile(PACKAGING / "deb" / name, control / name)
        (control / name).chmod(0o755)


def build() -> Path:
    """Make the package; its path.

    Raises:
        SetupError: something that ``make prepare`` fetches is missing, or a program failed.
    """
    LOG.parent.mkdir(exist_ok=True)
    DIST.mkdir(exist_ok=True)
    when = _commit_time()
    with tempfile.TemporaryDirectory(prefix="pyganeti-deb-") as place:
        root = Path(place) / "root"
        root.mkdir(mode=0o755)
        add_python(root, LOG)
        add_programs(root)
        add_settings(root)
        add_documents(root)
        _add_changelog(root, when)
        _add_control(root)
        for file in root.rglob("*"):
            if not file.is_symlink():
                executable = file.is_dir() or file.stat().st_mode & 0o100
                file.chmod(0o755 if executable else 0o644)
        argv = ["dpkg-deb", "--root-owner-group", "-Zxz", "-z1", "--build", str(root), str(path())]
        run_logged(argv, LOG, env={"SOURCE_DATE_EPOCH": when})
    return path()


def main() -> int:
    """Build, and return the exit code."""
    os.umask(0o022)
    try:
        print(build().relative_to(CHECKOUT))
    except SetupError as err:
        print(f"deb: {err}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
