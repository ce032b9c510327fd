"""The files of a package: manifest, archive, and the directory that comes about as a whole."""

import hashlib
import os
import re
import shutil
import stat
import tarfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Final

from pyganeti.kit.files import sync_directory

from .package import OvfError
from .reader import plain_name

# Descriptions have some kilobytes.
_MOST: Final = 16 << 20
_SUM: Final = re.compile(r"(SHA1|SHA256|SHA512)\s*\(([^()]+)\)\s*=\s*([0-9A-Fa-f]+)")
# What Ganeti writes, and what every program of today reads.
_WRITTEN: Final = "SHA1"
_PIECE: Final = 1 << 20


def read(path: str) -> bytes:
    """A description or manifest.

    Raises:
        OvfError: it is far too long for one.
        OSError: it cannot be read.
    """
    with open(path, "rb") as source:
        data = source.read(_MOST + 1)
    if len(data) > _MOST:
        raise OvfError(f"{path} is too long for a description")
    return data


def regular(directory: str, name: str) -> str:
    """Path of a file of the package.

    Raises:
        OvfError: it is missing, or no plain file.
    """
    path = os.path.join(directory, plain_name(name))
    try:
        mode = os.lstat(path).st_mode
    except FileNotFoundError:
        raise OvfError(f"the package lacks its file {name}") from None
    if not stat.S_ISREG(mode):
        raise OvfError(f"{path} is no plain file")
    return path


def check_manifest(directory: str, base: str) -> None:
    """Compare files with the checksums beside them, if there are any.

    Args:
        directory: of the package.
        base: name of the description without its end.

    Raises:
        OvfError: one is another, or missing; or the manifest is none.
    """
    if not os.path.lexists(os.path.join(directory, f"{base}.mf")):
        return
    text = read(regular(directory, f"{base}.mf")).decode("utf-8", "replace")
    for line in filter(None, map(str.strip, text.splitlines())):
        found = _SUM.fullmatch(line)
        if found is None:
            raise OvfError(f"{base}.mf: {line[:80]!r} is no checksum")
        kind, name, wanted = found.groups()
        with open(regular(directory, name.strip()), "rb") as source:
            if hashlib.file_digest(source, kind.lower()).hexdigest() != wanted.lower():
                raise OvfError(f"{name} is not what its checksum in {base}.mf says")


def manifest(directory: str, names: Sequence[str]) -> bytes:
    """Checksums of files."""
    lines = []
    for name in names:
        with open(os.path.join(directory, name), "rb") as source:
            digest = hashlib.file_digest(source, _WRITTEN.lower()).hexdigest()
        lines.append(f"{_WRITTEN}({name})= {digest}\n")
    return "".join(lines).encode()


def unpack(archive: str, into: str) -> str:
    """Unpack an ``.ova`` file; path of the description in it.

    Raises:
        OvfError: it is none, or has something else than plain files beside one another.
    """
    descriptions = []
    try:
        with tarfile.open(archive, "r:") as tar:
            for member in tar:
                name = plain_name(member.name.removeprefix("./"))
                content = tar.extractfile(member) if member.isreg() else None
                if content is None:
                    raise OvfError(f"{name} in {os.path.basename(archive)} is no plain file")
                with open(os.path.join(into, name), "xb") as target:
                    shutil.copyfileobj(content, target, _PIECE)
                if name.endswith(".ovf"):
                    descriptions.append(name)
    except tarfile.TarError as err:
        raise OvfError(f"{os.path.basename(archive)} is no whole archive: {err}") from err
    except FileExistsError as err:
        raise OvfError(f"{os.path.basename(archive)} has a file twice: {err.filename}") from err
    if len(descriptions) != 1:
        raise OvfError(f"{os.path.basename(archive)} has {len(descriptions)} descriptions, not one")
    return os.path.join(into, descriptions[0])


def pack(directory: str, names: Sequence[str], archive: str) -> None:
    """Put files into an ``.ova`` file, in this order; the description is to be the first."""
    with tarfile.open(archive, "x:", format=tarfile.USTAR_FORMAT if _fit(directory, names)
                      else tarfile.GNU_FORMAT) as tar:  # fmt: skip
        for name in names:
            tar.add(os.path.join(directory, name), name, recursive=False, filter=_nobodys)


def _fit(directory: str, names: Sequence[str]) -> bool:
    """Whether the older form, which the standard names, can hold them: 8 GiB each."""
    return all(os.path.getsize(os.path.join(directory, name)) < 8 << 30 for name in names)


def _nobodys(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = 0
    member.uname = member.gname = "root"
    return member


@contextmanager
def made(parent: str) -> Iterator[str]:
    """A directory to work in beside the result; gone afterwards.

    Raises:
        OSError: it cannot be made.
    """
    os.makedirs(parent, mode=0o750, exist_ok=True)
    work = os.path.join(parent, f".ovfconverter.{os.getpid()}")
    os.mkdir(work, 0o700)
    try:
        yield work
    finally:
        shutil.rmtree(work, ignore_errors=True)


def publish(work: str, names: Sequence[str], directory: str) -> None:
    """Move files to where they belong, durably; none if one is there already.

    Raises:
        OvfError: one is there.
    """
    linked: list[str] = []
    try:
        for name in names:
            with open(os.path.join(work, name), "rb") as one:
                os.fsync(one.fileno())
            # Unlike a renaming, this takes nobody's place.
            os.link(os.path.join(work, name), os.path.join(directory, name))
            linked.append(os.path.join(directory, name))
        sync_directory(directory)
    except FileExistsError as err:
        raise OvfError(f"{err.filename2} exists already") from err
    finally:
        if len(linked) < len(names):
            for path in linked:
                with suppress(FileNotFoundError):
                    os.unlink(path)
