"""What a QEMU's QMP knows, from its own description. Pure.

Names of types are numbers that mean nothing from one QEMU to the next; they are followed from the
commands and events, whose names stay. Source: QEMU's QMP reference, ``query-qmp-schema``.
"""

import json
from dataclasses import dataclass, field
from typing import Any, Final

from pyganeti.kit.process import Command
from pyganeti.model.errors import HypervisorError

_QUESTIONS: Final = ("qmp_capabilities", "query-qmp-schema", "quit")

# Any: JSON of the schema.
Entry = dict[str, Any]


@dataclass(frozen=True, slots=True)
class QmpSchema:
    """Commands and events with their arguments; ``entries`` by name of the type."""

    entries: dict[str, Entry] = field(default_factory=dict)

    @property
    def commands(self) -> frozenset[str]:
        """Names of all commands."""
        return frozenset(
            name for name, entry in self.entries.items() if entry["meta-type"] == "command"
        )

    def arguments(self, name: str) -> frozenset[str]:
        """Names of what a command takes, or an event tells, those of all variants included."""
        return frozenset(member["name"] for member in self._members(name))

    def values(self, name: str, member: str) -> tuple[str, ...]:
        """Values of an enumeration that a command takes or an event tells, in QEMU's order.

        Empty if there is no such command, event or member, itself or in a list of it.
        """
        for entry in (*self._members(name), *self._in_lists(name)):
            if entry["name"] == member:
                found = self.entries.get(entry["type"], {})
                return tuple(found.get("values", ()))
        return ()

    def _members(self, name: str) -> list[Entry]:
        return self._of_type(self.entries.get(name, {}).get("arg-type"), set())

    def _in_lists(self, name: str) -> list[Entry]:
        """Members of what is in the lists among the members."""
        types = (self.entries.get(member["type"], {}) for member in self._members(name))
        return [one for found in types for one in self._of_type(found.get("element-type"), set())]

    def _of_type(self, name: str | None, seen: set[str]) -> list[Entry]:
        if name is None or name in seen:
            return []
        seen.add(name)
        entry = self.entries.get(name, {})
        found = list(entry.get("members", ()))
        for variant in entry.get("variants", ()):
            found += self._of_type(variant["type"], seen)
        return found


def schema_command(qemu: str, answer_fd: int) -> Command:
    """Ask ``qemu`` for its schema, without a guest.

    Args:
        qemu: the program.
        answer_fd: an open file that takes the answer. A pipe does not: QEMU ends, as it was told,
            with what did not fit into it unsaid.
    """
    argv = (qemu, "-M", "none", "-nodefaults", "-no-user-config", "-display", "none", "-S")
    said = "".join(json.dumps({"execute": name}) + "\n" for name in _QUESTIONS)
    return Command((*argv, "-qmp", "stdio"), stdin=said.encode(), stdout_fd=answer_fd)


def parse_schema(text: str) -> QmpSchema:
    """Read what came of :func:`schema_command`.

    Raises:
        HypervisorError: there is no schema among them.
    """
    try:
        said = [json.loads(line) for line in text.splitlines() if line.strip()]
        (entries,) = [one["return"] for one in said if isinstance(one.get("return"), list)]
        return QmpSchema({entry["name"]: entry for entry in entries if entry["meta-type"]})
    except (ValueError, KeyError, TypeError, AttributeError) as err:
        raise HypervisorError(f"QEMU describes no QMP: {text[:200]!r}") from err
