"""The node's hosts file: names of the cluster's nodes. Pure but for the last two functions."""

from pyganeti.kit.files import read_bytes, write_atomic
from pyganeti.kit.resolver import read_hosts


def add_host(text: str, ip: str, name: str) -> str:
    """``text`` with the name at ``ip``, and at no other address; its short form comes along."""
    kept = remove_host(text, name)
    if kept and not kept.endswith("\n"):
        kept += "\n"
    short = name.partition(".")[0]
    names = name if short == name else f"{name} {short}"
    return f"{kept}{ip}\t{names}\n"


def remove_host(text: str, name: str) -> str:
    """``text`` without the name and its short form; lines left without names go."""
    gone = {name, name.partition(".")[0]}
    return "".join(_without(line, gone) for line in text.splitlines(keepends=True))


def _without(line: str, gone: set[str]) -> str:
    content, hash_sign, comment = line.partition("#")
    words = content.split()
    if len(words) < 2 or not gone & set(words[1:]):
        return line
    kept = [word for word in words[1:] if word not in gone]
    if not kept:
        return ""
    rest = f" {hash_sign}{comment}" if hash_sign else "\n"
    return f"{words[0]}\t{' '.join(kept)}{rest}"


def edit_hosts(path: str, name: str, ip: str | None) -> None:
    """Add ``name`` at ``ip``, or remove it when that is ``None``. Blocking.

    Raises:
        OSError: nothing was changed.
    """
    old = (read_bytes(path) or b"").decode("utf-8", "surrogateescape")
    new = remove_host(old, name) if ip is None else add_host(old, ip, name)
    if new != old:
        write_atomic(path, new.encode("utf-8", "surrogateescape"), mode=0o644)


def find_host(path: str, name: str) -> str | None:
    """The first address of ``name``, or ``None``. Blocking."""
    return next((ip for ip, names in read_hosts(path) if name in names), None)
