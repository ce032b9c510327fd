"""``--net`` and ``--disk`` of ``gnt-instance modify``: what is done to which device.

    add:size=1g   2:add,size=1g   0:mac=generate   name:modify,link=br1   1:remove   remove

Source: gnt-instance(8) MODIFY.
"""

from typing import Any, Final

from pyganeti.cli.parse import IdentKeyVal
from pyganeti.model.errors import OpPrereqError

_ACTIONS: Final = ("add", "attach", "detach", "modify", "remove")
# Of those of which there are many, without a position the last one is meant.
_OF_THE_LAST: Final = ("add", "attach", "detach", "remove")
_LAST: Final = -1


def device_changes(given: list[IdentKeyVal], what: str) -> list[list[Any]]:  # Any: JSON
    """Each change as ``[action, where, parameters]``.

    Args:
        given: values of the option.
        what: ``NIC`` or ``disk``, for messages.

    Raises:
        OpPrereqError: a change names two actions, or parameters where none belong.
    """
    return [_change(ident, values, what) for ident, values in given]


def _change(ident: str, values: object, what: str) -> list[Any]:  # Any: JSON
    if not isinstance(values, dict):
        raise OpPrereqError(f"{what} {ident}: to take one out write {ident}:remove")
    if ident in _OF_THE_LAST:
        action, params = ident, dict(values)
        where: int | str = _LAST
    else:
        actions = [word for word in _ACTIONS if values.get(word) is True]
        if len(actions) > 1:
            text = f"{what} {ident}: {' and '.join(actions)} exclude each other"
            raise OpPrereqError(text)
        action, where = (actions or ["modify"])[0], _position(ident)
        params = {key: value for key, value in values.items() if key not in actions}
    if action in ("remove", "detach") and params:
        raise OpPrereqError(f"{what} {ident}: {action} takes no parameters")
    return [action, where, params]


def _position(ident: str) -> int | str:
    return int(ident) if ident.removeprefix("-").isdecimal() else ident
