"""``make deb``: two packages for Debian 12, in ``dist``.

    sources, wheels, packaging/ -> trees -> dpkg-deb -> dist/pyganeti-MINOR_VERSION_amd64.deb
                                                     -> dist/pyganeti_VERSION_all.deb

Needs what ``make prepare`` fetched and no network. The same commit gives the same files.
"""

import gzip
import hashlib
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

from tools.deb.edition import OWN, Edition
from tools.deb.programs import DEFAULT, VERSION_LINK
from tools.deb.tree import (
    CONFFILES,
    PACKAGING,
    add_documents,
    add_links,
    add_programs,
    add_python,
    add_settings,
    describe,
)
from tools.machine import CHECKOUT, SetupError, run_logged

DIST: Final = CHECKOUT / "dist"
LOG: Final = CHECKOUT / ".cache" / "deb.log"


def paths(edition: Edition = OWN) -> list[Path]:
    """Of the packages: the code's first."""
    return [
        DIST / f"pyganeti-{edition.minor}_{edition.version}_amd64.deb",
        DIST / f"pyganeti_{edition.version}_all.deb",
    ]


def _commit_time() -> str:
    argv = ["git", "-C", str(CHECKOUT), "log", "-1", "--format=%ct"]
    found = subprocess.run(argv, capture_output=True, text=True, check=False).stdout.strip()
    return os.environ.get("SOURCE_DATE_EPOCH") or found or "0"


def _add_changelog(root: Path, package: str, edition: Edition, when: str) -> None:
    date = subprocess.run(
        ["date", "--utc", "--rfc-email", f"--date=@{when}"],
        capture_output=True, text=True, check=True,
    ).stdout.strip()  # fmt: skip
    text = (
        f"{package} ({edition.version}) unstable; urgency=medium\n\n"
        "  * See the news of the project.\n\n"
        f" -- pyganeti developers <pyganeti@example.com>  {date}\n"
    )
    place = root / "usr/share/doc" / package / "changelog.gz"
    place.write_bytes(gzip.compress(text.encode(), 9, mtime=0))


def _add_control(root: Path, kind: str, edition: Edition) -> None:
    """Control file and scripts of ``packaging/deb/KIND``."""
    files = [file for file in sorted(root.rglob("*")) if file.is_file() and not file.is_symlink()]
    values = {
        "VERSION": edition.version,
        "RELEASE": edition.release,
        "MINOR": edition.minor,
        "SIZE": str(sum(-(-file.stat().st_size // 1024) for file in files)),
    }
    control = root / "DEBIAN"
    control.mkdir()
    for source in sorted((PACKAGING / "deb" / kind).iterdir()):
        text = source.read_text("utf-8")
        for key, value in values.items():
            text = text.replace(f"@{key}@", value)
        (control / source.name).write_text(text, "utf-8")
        (control / source.name).chmod(0o644 if source.name == "control" else 0o755)
    settings = [name for name in CONFFILES if (root / name).exists()]
    if settings:
        text = "".join(f"/{name}\n" for name in settings)
        (control / "conffiles").write_text(text, "utf-8")
    sums = (f"{hashlib.md5(file.read_bytes()).hexdigest()}  {file.relative_to(root)}\n"
            for file in files if str(file.relative_to(root)) not in settings)  # fmt: skip
    (control / "md5sums").write_text("".join(sums), "utf-8")


def _fill_code(root: Path, edition: Edition) -> str:
    """The tree of the package that has the code; its name."""
    package = f"pyganeti-{edition.minor}"
    add_python(root, edition, LOG)
    add_programs(root, edition)
    describe(root, package)
    return package


def _fill_commands(root: Path, edition: Edition) -> str:
    """The tree of the package that has commands and services; its name."""
    add_links(root)
    (root / DEFAULT).parent.mkdir(parents=True, exist_ok=True)
    (root / DEFAULT).symlink_to(VERSION_LINK)
    add_settings(root)
    add_documents(root)
    describe(root, "pyganeti")
    return "pyganeti"


def build(edition: Edition = OWN) -> list[Path]:
    """Make the packages; their paths, the code's first.

    Raises:
        SetupError: something that ``make prepare`` fetches is missing, or a program failed.
    """
    LOG.parent.mkdir(exist_ok=True)
    DIST.mkdir(exist_ok=True)
    when = _commit_time()
    kinds = (("code", _fill_code), ("commands", _fill_commands))
    for path, (kind, fill) in zip(paths(edition), kinds, strict=True):
        with tempfile.TemporaryDirectory(prefix="pyganeti-deb-") as place:
            root = Path(place) / "root"
            root.mkdir(mode=0o755)
            package = fill(root, edition)
            _add_changelog(root, package, edition, when)
            _add_control(root, kind, edition)
            _pack(root, path, when)
    return paths(edition)


def _pack(root: Path, path: Path, when: str) -> None:
    for file in root.rglob("*"):
        if not file.is_symlink():
            executable = file.is_dir() or file.stat().st_mode & 0o100
            file.chmod(0o755 if executable else 0o644)
    argv = ["dpkg-deb", "--root-owner-group", "-Zxz", "-z1", "--build", str(root), str(path)]
    run_logged(argv, LOG, env={"SOURCE_DATE_EPOCH": when})


def main() -> int:
    """Build, and return the exit code."""
    os.umask(0o022)
    try:
        for path in build():
            print(path.relative_to(CHECKOUT))
    except SetupError as err:
        print(f"deb: {err}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
