"""What all structures of node calls have in common."""

from typing import Any

import msgspec

# Any: filled parameter values are strings, numbers, booleans or null, checked by the master's
# model.
Params = dict[str, Any]


class Struct(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of all values here."""
