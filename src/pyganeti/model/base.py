"""What all config objects have in common: how they stand in JSON.

Three kinds of fields follow from how the default is written:

- no default: required, always written;
- :func:`always`: may be absent when read, always written;
- a plain default (``None``, ``()``, an empty mapping): may be absent, not written while it is that.

Keys we do not know are kept in ``extra`` and written back (:mod:`pyganeti.model.codec`).
"""

from collections.abc import Mapping
from typing import Final, TypeVar

import msgspec
from msgspec import UNSET, UnsetType

K = TypeVar("K")
T = TypeVar("T")

EXTRA: Final = "__extra__"


def always(value: T) -> T:
    """A default for reading that is nevertheless written.

    msgspec leaves out a field whose default is a plain value, but not one made by a function.
    """
    return msgspec.field(default_factory=lambda: value)


def values() -> dict[K, T]:
    """An empty mapping as default, written even while it is empty."""
    # Not dict itself: what that makes counts as left out while empty.
    return msgspec.field(default_factory=_empty)


def _empty() -> dict[K, T]:
    return {}


def sparse() -> dict[K, T]:
    """An empty mapping as default, left out while it is empty."""
    return msgspec.field(default_factory=dict)


class Part(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True
):
    """Something inside an object that stands in the configuration."""

    # UNSET is never written, so the common case costs nothing.
    extra: Mapping[str, object] | UnsetType = msgspec.field(default=UNSET, name=EXTRA)


class ConfigObject(Part, frozen=True, kw_only=True):
    """An object with an identity of its own; ``serial_no`` counts its changes."""

    uuid: str
    serial_no: int = always(1)
    ctime: float = always(0.0)
    mtime: float = always(0.0)


class TaggedObject(ConfigObject, frozen=True, kw_only=True):
    """An object that can carry tags; they are kept sorted."""

    tags: tuple[str, ...] = always(())
