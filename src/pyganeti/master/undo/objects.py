"""The undo action of operations that change one object of the configuration."""

from pyganeti.master.jobs.journal import Undo
from pyganeti.master.jobs.run import UndoContext, undo
from pyganeti.model.change import AnyObject, Change, Kind, kind_of
from pyganeti.model.codec import decode_object, encode_object
from pyganeti.model.view import ClusterView


def removal(obj: AnyObject) -> Undo:
    """What takes an object out again that a step adds."""
    return undo("object.restore", kind=kind_of(obj), uuid=obj.uuid, before=None)


def restoration(before: AnyObject) -> Undo:
    """What puts an object back as it was, after a step that changes or removes it.

    For objects whose lock the operation holds: nobody else has changed it since.
    """
    text = encode_object(before).decode()
    return undo("object.restore", kind=kind_of(before), uuid=before.uuid, before=text)


async def restore(context: UndoContext, *, kind: str, uuid: str, before: str | None) -> None:
    """Put an object back as it was, or take it out again if it was not there."""

    def make(view: ClusterView) -> Change:
        if before is None:
            gone = view.find_object(Kind(kind), uuid) is None
            return Change() if gone else Change(deletes=((Kind(kind), uuid),))
        return Change(puts=(decode_object(Kind(kind), before.encode()),))

    await context.config.commit(make)
