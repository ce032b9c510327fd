"""What all opcodes have in common.

An opcode is a frozen, typed declaration of an operation: its parameters and their defaults. Its
logic is the Logical Unit of the same name in ``master/lu``. Source: the 76 opcodes of Ganeti 3.1.
"""

import re
from collections.abc import Mapping
from typing import ClassVar

import msgspec

from .types import Depends, NonNegativeInt, Priority, Reason

_WORD = re.compile(r"(?<!^)(?=[A-Z])")


def _op_id(class_name: str) -> str:
    """``OP_INSTANCE_STARTUP`` for ``OpInstanceStartup``."""
    return _WORD.sub("_", class_name).upper()


def summary_text(op_id: str, field: str | None, values: Mapping[str, object]) -> str:
    """``INSTANCE_STARTUP(web1)`` for an opcode whose ``field`` says what it is about."""
    name = op_id.removeprefix("OP_")
    if field is None:
        return name
    value = values.get(field)
    if isinstance(value, tuple | list):
        value = ",".join(str(item) for item in value)
    return f"{name}({value})"


class Opcode(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    tag_field="OP_ID",
    tag=_op_id,
):
    """Base of all opcodes, with the parameters that every one has.

    Attributes:
        dry_run: stop after the prerequisites.
        debug_level: how much is logged.
        priority: of the job; the most urgent of its opcodes counts.
        depends: ``(job id, accepted states)``; a negative id counts back within one submission.
        comment: for people.
        reason: where the request came from, ``(source, text, nanoseconds)`` each.
    """

    SUMMARY_FIELD: ClassVar[str | None] = None
    RESULT: ClassVar[object] = None

    dry_run: bool | None = None
    debug_level: NonNegativeInt | None = None
    priority: Priority = 0
    depends: Depends | None = None
    comment: str | None = None
    reason: Reason | None = ()

    @classmethod
    def op_id(cls) -> str:
        """Its name in JSON, such as ``OP_INSTANCE_STARTUP``."""
        return str(cls.__struct_config__.tag)

    def summary(self) -> str:
        """One word for lists, such as ``INSTANCE_STARTUP(web1)``."""
        return summary_text(self.op_id(), self.SUMMARY_FIELD, msgspec.structs.asdict(self))

    def check(self) -> None:
        """Refuse what the types cannot; called at submission.

        Raises:
            OpPrereqError: ``ECode.INVAL``; names the parameter, the value and what was expected.
        """
