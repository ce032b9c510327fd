"""Packages of a version that does not exist yet: the next minor one, made of these sources."""

import re
import shutil
import tempfile
from functools import cache
from pathlib import Path
from typing import Final

from tools.deb.__main__ import build
from tools.deb.edition import OWN, Edition

_MAJOR, _MINOR = (int(number) for number in OWN.minor.split("."))
NEXT: Final = f"{_MAJOR}.{_MINOR + 1}"
_VALUES: Final = {
    "RELEASE_VERSION": f'"{NEXT}.0"',
    "CONFIG_VERSION": str(_MAJOR * 1_000_000 + (_MINOR + 1) * 10_000),
    "PREVIOUS_CONFIG_VERSION": str(_MAJOR * 1_000_000 + _MINOR * 10_000),
}


@cache
def next_packages() -> tuple[str, str]:
    """Their files: of the code, and of commands and services."""
    with tempfile.TemporaryDirectory(prefix="pyganeti-next-") as place:
        source = Path(place) / "pyganeti"
        shutil.copytree(OWN.source, source, ignore=shutil.ignore_patterns("__pycache__"))
        versions = source / "model" / "versions.py"
        text = versions.read_text("utf-8")
        for name, value in _VALUES.items():
            text, found = re.subn(
                rf"^{name}: Final = .*$", f"{name}: Final = {value}", text, flags=re.M
            )
            assert found == 1, name
        versions.write_text(text, "utf-8")
        code, commands = build(Edition(f"{OWN.version}+next", f"{NEXT}.0", source))
    return str(code), str(commands)
