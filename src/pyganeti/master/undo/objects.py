"""The undo action of operations that change one object of the configuration."""

from collections.abc import Sequence

import msgspec

from pyganeti.master.jobs.journal import Undo
from pyganeti.master.jobs.run import UndoContext, undo
from pyganeti.model.change import AnyObject, Change, Kind, kind_of
from pyganeti.model.codec import decode_object, encode_object
from pyganeti.model.view import ClusterView


def removal(obj: AnyObject) -> Undo:
    """What takes an object out again that a step adds."""
    return undo("object.restore", kind=kind_of(obj), uuid=obj.uuid, before=None)


def restoration(before: AnyObject, *, but: tuple[str, ...] = ()) -> Undo:
    """What puts an object back as it was, after a step that changes or removes it.

    Args:
        before: as it was. The operation holds its lock: nobody else has changed it since.
        but: fields that others change without its lock; they stay as they are then.
    """
    text = encode_object(before).decode()
    uuid = before.uuid
    return undo("object.restore", kind=kind_of(before), uuid=uuid, before=text, but=list(but))


async def restore(
    context: UndoContext, *, kind: str, uuid: str, before: str | None, but: Sequence[str] = ()
) -> None:
    """Put an object back as it was, or take it out again if it was not there."""

    def make(view: ClusterView) -> Change:
        now = view.find_object(Kind(kind), uuid)
        if before is None:
            return Change() if now is None else Change(deletes=((Kind(kind), uuid),))
        found = decode_object(Kind(kind), before.encode())
        if now is not None:
            found = msgspec.structs.replace(found, **{name: getattr(now, name) for name in but})
        return Change(puts=(found,))

    await context.config.commit(make)
