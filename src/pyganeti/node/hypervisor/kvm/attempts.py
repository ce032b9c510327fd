"""Parameters that only QEMU itself can judge: it is asked with those alone, and without a guest.

What it lists of CPUs or drivers is not enough: a CPU may carry features, a driver that is listed
may be in a package that is not installed. Source: qemu(1).
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from pyganeti.kit.process import Command
from pyganeti.wire.noderpc.struct import Params

_NO_GUEST: Final = ("-nodefaults", "-no-user-config", "-display", "none", "-S", "-qmp", "stdio")
_QUESTIONS: Final = ("qmp_capabilities", "quit")
_UNKNOWN_DRIVER: Final = "Unknown driver"


@dataclass(frozen=True, slots=True)
class Attempt:
    """Arguments that QEMU takes or refuses.

    Attributes:
        name: the parameter that they come of.
        arguments: of QEMU's command line.
        refused_by: what QEMU says then; any other complaint is of no account. Empty: all count.
    """

    name: str
    arguments: tuple[str, ...]
    refused_by: str = ""


def attempts(hvp: Params, machine: str, accelerator: str) -> Iterator[Attempt]:
    """What to ask for these parameters, on a machine of that type."""
    if hvp["cpu_type"]:
        cpu = ("-machine", machine, "-accel", accelerator, "-cpu", str(hvp["cpu_type"]))
        yield Attempt("cpu_type", cpu)
    if hvp["vga"]:
        yield Attempt("vga", ("-machine", machine, "-vga", str(hvp["vga"])))
    if hvp["keymap"]:
        keymap = ("-machine", "none", "-k", str(hvp["keymap"]), "-vnc", "none")
        yield Attempt("keymap", keymap)
    for name in ("cdrom_image_path", "cdrom2_image_path"):
        scheme, is_url, _rest = str(hvp[name]).partition("://")
        if is_url:
            # No host is named, so none is asked.
            node = {"driver": scheme, "node-name": "image", "url": f"{scheme}://"}
            arguments = ("-machine", "none", "-blockdev", json.dumps(node))
            yield Attempt(name, arguments, _UNKNOWN_DRIVER)


def attempt_command(qemu: str, attempt: Attempt) -> Command:
    """Start ``qemu`` with these arguments, and end it at once."""
    said = "".join(json.dumps({"execute": name}) + "\n" for name in _QUESTIONS)
    return Command((qemu, *_NO_GUEST, *attempt.arguments), stdin=said.encode())


def refusal(attempt: Attempt, complaint: str) -> str | None:
    """What QEMU's complaint says of the parameter; ``None`` if it is of something else."""
    lines = [line for line in complaint.splitlines() if attempt.refused_by in line]
    if not lines:
        return None
    _program, _colon, text = lines[-1].partition(": ")
    return text or lines[-1]
