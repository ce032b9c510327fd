"""The collector ``inst-status-xen``: whether the node's instances are as they should be.

    xl list, xl uptime, the cluster's wishes -> data

Source: xl(1); ``tests/golden/mond``.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from pyganeti.kit.process import Command

from .report import Code, CollectorError, Data, status, worst

_TIMEOUT_S: Final = 30.0
_ROW: Final = re.compile(r"(\S+)\s+\d+\s+\d+\s+\d+\s+([rbpscd-]{6})\s+([\d.]+)\s*$")
_UPTIME: Final = re.compile(r"(\S+)\s+\d+\s+(\S.*?)\s*$")
_STATES: Final = {
    "r": "running", "b": "blocked", "p": "paused", "s": "shutdown", "c": "crashed", "d": "dying",
}  # fmt: skip
_HUNG: Final = "hung"
_GONE: Final = "shutdown"
_RUNS: Final = frozenset({"running", "blocked"})
_ENDS: Final = frozenset({"shutdown", "dying"})
_NOT_RUNNING: Final = "The instance is not running as it should be"
_NOT_STOPPED: Final = "The instance is not stopped as it should be"
_SEEMS_HUNG: Final = "Instance marked as running, but it appears to be hung"


@dataclass(frozen=True, slots=True)
class Domain:
    """What Xen says of a guest: its state in a word, and CPU seconds it has used."""

    state: str
    cpu_s: float


def list_command() -> Command:
    """Ask for all domains."""
    return Command(("xl", "list"), timeout_s=_TIMEOUT_S)


def uptime_command() -> Command:
    """Ask for how long they run."""
    return Command(("xl", "uptime"), timeout_s=_TIMEOUT_S)


def parse_list(text: str) -> dict[str, Domain]:
    """Domains by name, from the answer to :func:`list_command`.

    Raises:
        CollectorError: it is not what xl prints.
    """
    found = {}
    for line in text.splitlines()[1:]:
        row = _ROW.match(line)
        if row is None:
            raise CollectorError(f"unexpected answer from xl list: {line[:200]!r}")
        letters = row[2].replace("-", "")
        found[row[1]] = Domain(_STATES.get(letters[:1], "unknown"), float(row[3]))
    return found


def parse_uptime(text: str) -> dict[str, str]:
    """How long domains run, in Xen's words, by name; of what else is printed nothing."""
    rows = (_UPTIME.match(line) for line in text.splitlines()[1:])
    return {row[1]: row[2] for row in rows if row}


def is_suspect(domains: Mapping[str, Domain]) -> bool:
    """Whether one wants a CPU and has none at the moment, so that a second look is worth while."""
    return any(domain.state == "unknown" for domain in domains.values())


def later(domains: Mapping[str, Domain], then: Mapping[str, Domain]) -> dict[str, Domain]:
    """Domains as they are ``then``: one that wanted a CPU both times and got none is hung."""
    return {
        name: Domain(_HUNG, new.cpu_s) if _hangs(domains.get(name), new) else new
        for name, new in then.items()
    }


def _hangs(old: Domain | None, new: Domain) -> bool:
    return old == new and new.state == "unknown"


def status_data(
    instances: Iterable[Any],  # Any: as confd describes them
    domains: Mapping[str, Domain],
    uptimes: Mapping[str, str],
    reasons: Mapping[str, list[Data]],
) -> dict[str, Data]:
    """The collector's data.

    Args:
        instances: those whose primary node this is.
        domains, uptimes: what Xen says, by name.
        reasons: why instances are as they are, by name.

    Raises:
        CollectorError: an instance is not described as it ought to be.
    """
    rows, judged = [], []
    for instance in instances:
        try:
            name, wanted = instance["name"], instance["admin_state"]
            known = {"name": name, "uuid": instance["uuid"], "adminState": wanted}
            changed = instance["mtime"]
        except (KeyError, TypeError) as err:
            raise CollectorError("confd describes an instance without its name or state") from err
        domain = domains.get(name)
        found = domain.state if domain else _absent(wanted)
        code, said = judge(wanted, found)
        judged.append((code, said))
        row = {"actualState": found, "uptime": uptimes.get(name), "mtime": changed}
        state = {"state_reason": reasons.get(name, []), "status": status(code, said)}
        rows.append({**known, **row, **state})
    return {"instances": rows, "status": worst(judged)}


def _absent(wanted: str) -> str:
    """What one is that Xen does not know: as it should be, or nobody knows."""
    return "unknown" if wanted == "up" else _GONE


def judge(wanted: str, found: str) -> tuple[Code, str]:
    """Whether an instance is as it should be, and what is wrong with it."""
    if wanted != "up":
        return (Code.OK, "") if found in _ENDS else (Code.BAD, _NOT_STOPPED)
    if found == _HUNG:
        return Code.UNKNOWN, _SEEMS_HUNG
    return (Code.OK, "") if found in _RUNS else (Code.BAD, _NOT_RUNNING)
