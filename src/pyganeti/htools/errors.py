"""What the allocator and the balancer refuse."""

from pyganeti.model.errors import ParseError


class InputError(ParseError):
    """What a backend read describes no cluster; the text says where and what was expected."""
