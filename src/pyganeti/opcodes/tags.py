"""Opcodes on tags."""

from typing import ClassVar

from pyganeti.model.enums import TagKind

from .base import Opcode
from .types import NonEmptyString


class OpTagsDel(Opcode, frozen=True, kw_only=True):
    """Remove tags from an object."""

    kind: TagKind
    tags: tuple[str, ...]
    name: str | None = None


class OpTagsGet(Opcode, frozen=True, kw_only=True):
    """Answer the tags of an object."""

    SUMMARY_FIELD: ClassVar[str | None] = "name"
    RESULT: ClassVar[object] = list[NonEmptyString]

    kind: TagKind
    use_locking: bool = False
    name: str | None = None


class OpTagsSearch(Opcode, frozen=True, kw_only=True):
    """Find tags by a regular expression, on all objects."""

    SUMMARY_FIELD: ClassVar[str | None] = "pattern"
    RESULT: ClassVar[object] = list[tuple[NonEmptyString, NonEmptyString]]

    pattern: NonEmptyString


class OpTagsSet(Opcode, frozen=True, kw_only=True):
    """Add tags to an object."""

    kind: TagKind
    tags: tuple[str, ...]
    name: str | None = None
