"""Compare the external storage providers of all nodes: ``gnt-storage diagnose`` and ``info``.

Source: gnt-storage(8); extstorage query fields.
"""

from typing import Any

from pyganeti.master.jobs.run import Run
from pyganeti.master.lu.base import Question
from pyganeti.model.enums import QueryResource
from pyganeti.opcodes.os import OpExtStorageDiagnose


class LUExtStorageDiagnose(Question[OpExtStorageDiagnose, list[list[Any]]]):
    """One row a provider, with the fields asked for; none for a name that no node knows."""

    # Any: fields have values of many types.
    async def execute(self, run: Run, plan: OpExtStorageDiagnose) -> list[list[Any]]:
        """Ask all nodes that can have guests.

        Raises:
            OpPrereqError: unknown field.
        """
        return await run.queries.plain(QueryResource.EXTSTORAGE, plan.names, plan.output_fields)
