"""What the scripts are told: OS parameters and disks in the environment."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass

from errors import Refused

_HOST = re.compile(r"[a-zA-Z0-9]([a-zA-Z0-9.-]{0,251}[a-zA-Z0-9])?")
FORMATS = ("raw", "qcow2")
_DIGITS = {"sha256": 64, "sha512": 128}
# What makes no sense without a seed.
_OF_SEED = (
    *("hostname", "ssh_keys", "user_data", "user_data_file", "meta_data", "network_config"),
)


@dataclass(frozen=True)
class Settings:
    """OS parameters, checked.

    Attributes:
        checksums: names of algorithms, each with hexadecimal digits.
        seed_disk: number of the disk for the seed; ``None`` without one.
    """

    image: str
    format: str
    checksums: Mapping[str, str]
    seed_disk: int | None
    hostname: str
    ssh_keys: tuple[str, ...]
    user_data: str
    user_data_file: str
    meta_data: str
    network_config: str

    @property
    def is_remote(self) -> bool:
        """Whether the image is to be fetched."""
        return "://" in self.image


def read_settings(env: Mapping[str, str]) -> Settings:
    """Read and check the OS parameters.

    Raises:
        Refused: names the parameter.
    """

    def get(name: str) -> str:
        return env.get(f"OSP_{name.upper()}", "")

    checksums = {name: _checksum(name, get(name)) for name in _DIGITS if get(name)}
    found = Settings(
        image=get("image"),
        format=get("format") or "raw",
        checksums=checksums,
        seed_disk=_number("seed_disk", get("seed_disk")),
        hostname=get("hostname"),
        ssh_keys=tuple(key.strip() for key in get("ssh_keys").split(";") if key.strip()),
        user_data=get("user_data"),
        user_data_file=get("user_data_file"),
        meta_data=get("meta_data"),
        network_config=get("network_config") or "auto",
    )
    _check_image(found)
    _check_seed(found, [name for name in _OF_SEED if get(name)])
    return found


def _checksum(name: str, text: str) -> str:
    digits = _DIGITS[name]
    if not re.fullmatch(f"[0-9a-fA-F]{{{digits}}}", text):
        raise Refused(f"{name} must have {digits} hexadecimal digits")
    return text.lower()


def _number(name: str, text: str) -> int | None:
    if not text:
        return None
    if not re.fullmatch("[0-9]{1,2}", text):
        raise Refused(f"{name} is {text!r}, expected the number of a disk")
    return int(text)


def _check_image(found: Settings) -> None:
    if found.format not in FORMATS:
        raise Refused(f"format is {found.format!r}, expected one of {', '.join(FORMATS)}")
    if not found.image:
        raise Refused("image is not set")
    if found.is_remote:
        if found.image.partition("://")[0] not in ("http", "https"):
            raise Refused("image must be a file, or an address of http or https")
        if not found.checksums:
            raise Refused("an image that is fetched needs sha256 or sha512")
    elif not os.path.isabs(found.image):
        raise Refused(f"image is {found.image!r}, expected an absolute path or an address")


def _check_seed(found: Settings, given: list[str]) -> None:
    if found.seed_disk is None and given:
        raise Refused(f"{given[0]} needs seed_disk, the number of a disk for the seed")
    if found.seed_disk == 0:
        raise Refused("seed_disk is 0, which is the disk of the image")
    if found.user_data and found.user_data_file:
        raise Refused("user_data and user_data_file exclude each other")
    if found.user_data_file and not os.path.isabs(found.user_data_file):
        raise Refused("user_data_file must be an absolute path")
    if found.hostname and not _HOST.fullmatch(found.hostname):
        raise Refused("hostname is no name of a host")
    if any("\n" in key or '"' in key or "\\" in key for key in found.ssh_keys):
        raise Refused("ssh_keys: one of them is no public key")


def disk_path(env: Mapping[str, str], index: int) -> str:
    """Path of a disk of the instance.

    Raises:
        Refused: there is none, or this node cannot open it.
    """
    path = env.get(f"DISK_{index}_PATH", "")
    if not path:
        count = env.get("DISK_COUNT", "0")
        raise Refused(f"there is no disk {index} that this node can open; the instance has {count}")
    if env.get(f"DISK_{index}_ACCESS", "rw") != "rw":
        raise Refused(f"disk {index} is read-only")
    return path


def size_of(path: str) -> int:
    """Size of a file or block device in bytes.

    Raises:
        Refused: it cannot be opened.
    """
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as err:
        raise Refused(f"{path}: {err.strerror}") from err
    try:
        return os.lseek(fd, 0, os.SEEK_END)
    finally:
        os.close(fd)
