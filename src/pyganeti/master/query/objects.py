"""Fields that several kinds of objects have: times, serial number, UUID, tags, node parameters."""

from collections.abc import Callable
from typing import TypeVar

from pyganeti.model.base import ConfigObject, TaggedObject
from pyganeti.model.enums import FieldStatus
from pyganeti.model.params.kinds import shortest
from pyganeti.model.params.nd import ND, NdParams

from .fields import PARAM_KINDS, Field, FieldKind

ItemT = TypeVar("ItemT")
ContextT = TypeVar("ContextT")
ObjectT = TypeVar("ObjectT", bound=ConfigObject)
TaggedT = TypeVar("TaggedT", bound=TaggedObject)


def object_fields(what: str, _of: type[ObjectT]) -> list[Field[ObjectT, object]]:
    """``ctime``, ``mtime``, ``serial_no`` and ``uuid``; ``what`` names the object."""
    timestamp, number, text = FieldKind.TIMESTAMP, FieldKind.NUMBER, FieldKind.TEXT
    return [
        Field("ctime", "CTime", timestamp, f"When the {what} was made", lambda o, _: o.ctime),
        Field("mtime", "MTime", timestamp, f"When the {what} was changed", lambda o, _: o.mtime),
        Field("serial_no", "SerialNo", number, f"Changes of the {what}", lambda o, _: o.serial_no),
        Field("uuid", "UUID", text, f"UUID of the {what}", lambda o, _: o.uuid),
    ]


def tags_field(what: str, _of: type[TaggedT]) -> Field[TaggedT, object]:
    """``tags``, sorted."""
    return Field(
        "tags", "Tags", FieldKind.OTHER, f"Tags of the {what}", lambda o, _: sorted(o.tags)
    )


def ndparams_fields(
    filled: Callable[[ItemT, ContextT], NdParams],
) -> list[Field[ItemT, ContextT]]:
    """Each node parameter as ``ndp/NAME``; ``filled`` gives those of an object."""

    def one(name: str) -> Callable[[ItemT, ContextT], object]:
        def of(item: ItemT, context: ContextT) -> object:
            value: object = getattr(filled(item, context), name)
            return FieldStatus.UNAVAIL if value is None else shortest(value)

        return of

    return [
        Field(
            f"ndp/{param.name}",
            param.title or f"ndp/{param.name}",
            PARAM_KINDS[param.kind],
            f"Node parameter {param.name}",
            one(param.name),
        )
        for param in ND.params.values()
    ]
