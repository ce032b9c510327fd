"""Fields that every config object has: times, serial number, UUID and tags."""

from typing import TypeVar

from pyganeti.model.base import ConfigObject, TaggedObject

from .fields import Field, FieldKind

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
