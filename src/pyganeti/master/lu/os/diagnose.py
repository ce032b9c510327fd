"""Compare the OS definitions of all nodes: ``gnt-os list``, ``diagnose``, ``info``.

Source: gnt-os(8); os query fields.
"""

from typing import Any, Final

from pyganeti.master.jobs.run import Run
from pyganeti.master.lu.base import Question
from pyganeti.model.enums import QueryResource
from pyganeti.opcodes.os import OpOsDiagnose

# What is so is shown only to those who ask for the field, as in Ganeti.
_LEFT_OUT: Final = {"hidden": True, "blacklisted": True, "valid": False}


class LUOsDiagnose(Question[OpOsDiagnose, list[list[Any]]]):
    """One row an OS, with the fields asked for."""

    # Any: fields have values of many types.
    async def execute(self, run: Run, plan: OpOsDiagnose) -> list[list[Any]]:
        """Ask all nodes that can have guests.

        An OS that no node has gets no row.

        Raises:
            OpPrereqError: unknown field.
        """
        asked = plan.output_fields
        extra = [name for name in _LEFT_OUT if name not in asked]
        rows = await run.queries.plain(QueryResource.OS, plan.names, [*asked, *extra])
        hiding = [_LEFT_OUT[name] for name in extra]
        return [
            row[: len(asked)]
            for row in rows
            if all(flag != hides for flag, hides in zip(row[len(asked) :], hiding, strict=True))
        ]
