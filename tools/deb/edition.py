"""What packages are made of: the sources of one version, this one as a rule."""

import tomllib
from pathlib import Path
from typing import Final, NamedTuple

from pyganeti.model.versions import RELEASE_VERSION
from tools.machine import CHECKOUT, SOURCE


class Edition(NamedTuple):
    """The sources of one version.

    Attributes:
        version: of the packages.
        release: the release of Ganeti that it stands for.
        source: the directory of the package ``pyganeti``.
    """

    version: str
    release: str
    source: Path

    @property
    def minor(self) -> str:
        """Major and minor number of the release: what versions on a node are called by."""
        return ".".join(self.release.split(".")[:2])


def _version() -> str:
    text = (CHECKOUT / "pyproject.toml").read_text("utf-8")
    found: str = tomllib.loads(text)["project"]["version"]
    return found


OWN: Final = Edition(_version(), RELEASE_VERSION, SOURCE / "pyganeti")
