"""The files of the packages, laid out below a directory as on a node."""

import gzip
import re
import shutil
import subprocess
from os.path import dirname, relpath
from pathlib import Path
from typing import Final

from pyganeti.tools.services import ALIASES, SERVICES
from tools.deb.completion import TOOLS, completion
from tools.deb.edition import Edition
from tools.deb.programs import DEFAULT, TOP, links, script, scripts
from tools.deb.units import unit
from tools.deb.wheels import install
from tools.machine import CHECKOUT, SetupError

PACKAGING: Final = CHECKOUT / "packaging"
CONFFILES: Final = {
    "etc/cron.d/ganeti": "cron",
    "etc/default/ganeti": "default",
    "etc/init.d/ganeti": "init",
    "etc/logrotate.d/ganeti": "logrotate",
}
# The interpreter takes itself for that of an environment of its own: it finds what lies beside it,
# and nothing of what is installed for others.
_ENVIRONMENT: Final = "home = /usr/bin\ninclude-system-site-packages = false\nversion = 3.11\n"
_SECTION: Final = re.compile(r"^:Manual section: (\d)$", re.M)
_OS_DEFINITIONS: Final = ("image",)


def _write(path: Path, text: str, *, mode: int = 0o644) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    path.chmod(mode)


def _compress(path: Path, text: str) -> None:
    """Write it so that the same text always gives the same file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(text.encode(), 9, mtime=0))


def _link(path: Path, target: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(target)


def add_python(root: Path, edition: Edition, log: Path) -> None:
    """pyganeti, what it needs, and the interpreter's place."""
    home = f"{TOP}/{edition.minor}"
    site = root / home / "lib/python3.11/site-packages"
    site.mkdir(parents=True)
    install(site, log)
    # The rest is for tests.
    ignored = shutil.ignore_patterns("__pycache__", "testing")
    shutil.copytree(edition.source, site / "pyganeti", ignore=ignored)
    _write(root / home / "pyvenv.cfg", _ENVIRONMENT)
    _link(root / home / "bin" / "python3", relpath("usr/bin/python3", f"{home}/bin"))


def add_programs(root: Path, edition: Edition) -> None:
    """Every program."""
    for name, entry in scripts().items():
        text = script(entry, edition.minor)
        _write(root / TOP / edition.minor / "bin" / name, text, mode=0o755)


def add_links(root: Path) -> None:
    """Links to every program of the version that the node works with."""
    for path, name in links(scripts()).items():
        _link(root / path, relpath(f"{DEFAULT}/bin/{name}", dirname(path)))


def add_settings(root: Path) -> None:
    """Settings, service units, completion."""
    for path, name in CONFFILES.items():
        text = (PACKAGING / "etc" / name).read_text("utf-8")
        _write(root / path, text, mode=0o755 if name == "init" else 0o644)
    units = root / "lib/systemd/system"
    _write(units / "ganeti.service", (PACKAGING / "systemd/ganeti.service").read_text("utf-8"))
    for service in SERVICES:
        if service.name in scripts():
            _write(units / f"{service.name}.service", unit(service))
    for alias, name in ALIASES.items():
        _link(units / f"{alias}.service", f"{name}.service")
    for noun in TOOLS:
        program = f"gnt-{noun}"
        _write(root / "usr/share/bash-completion/completions" / program, completion(program))


def add_documents(root: Path) -> None:
    """Manual pages and OS definitions.

    Raises:
        SetupError: rst2man is missing, or a page cannot be made.
    """
    for page in sorted((CHECKOUT / "docs" / "man").glob("*.rst")):
        text = page.read_text("utf-8")
        section = _SECTION.search(text)
        if section is None:
            raise SetupError(f"{page} does not say in which section it belongs")
        name = f"usr/share/man/man{section[1]}/{page.stem}.{section[1]}.gz"
        _compress(root / name, _manual(text))
    for name in _OS_DEFINITIONS:
        source, target = CHECKOUT / "os" / name, root / "usr/share/ganeti/os" / name
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))


def describe(root: Path, package: str) -> None:
    """What every package says of itself."""
    overrides = (PACKAGING / "lintian-overrides").read_text("utf-8")
    _write(root / "usr/share/lintian/overrides" / package, overrides.replace("@PACKAGE@", package))
    terms = (PACKAGING / "copyright").read_text("utf-8")
    _write(root / "usr/share/doc" / package / "copyright", terms)


def _manual(text: str) -> str:
    try:
        made = subprocess.run(
            ["rst2man", "--halt=2", "--report=2"],
            input=text,
            capture_output=True,
            text=True,
            check=False,
        )
    except FileNotFoundError:
        raise SetupError("rst2man is missing: run make prepare") from None
    if made.returncode:
        raise SetupError(f"rst2man: {made.stderr.strip()}")
    return made.stdout
