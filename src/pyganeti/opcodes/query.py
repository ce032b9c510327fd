"""Opcodes on queries."""

from typing import ClassVar

from pyganeti.model.enums import QueryResource

from .base import Opcode
from .types import AnyList, JsonObject, NonEmptyString


class OpQuery(Opcode, frozen=True, kw_only=True):
    """Query a resource that the master daemon does not answer by itself."""

    SUMMARY_FIELD: ClassVar[str | None] = "what"
    RESULT: ClassVar[object] = JsonObject

    what: QueryResource
    use_locking: bool = False
    fields: tuple[NonEmptyString, ...]
    qfilter: AnyList | None = None


class OpQueryFields(Opcode, frozen=True, kw_only=True):
    """Describe the fields of such a resource."""

    SUMMARY_FIELD: ClassVar[str | None] = "what"
    RESULT: ClassVar[object] = JsonObject

    what: QueryResource
    fields: tuple[NonEmptyString, ...] | None = None
