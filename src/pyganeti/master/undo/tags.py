"""The undo action of tag operations."""

from pyganeti.master.changes import change_tags
from pyganeti.master.jobs.run import UndoContext
from pyganeti.model.change import Kind


async def change(
    context: UndoContext, *, kind: str, uuid: str, add: list[str], remove: list[str]
) -> None:
    """Add the tags that an operation removed and remove those it added."""
    await context.config.commit(change_tags(Kind(kind), uuid, add=add, remove=remove))
