"""What a helper has said to the metadata daemon of its node, as the daemon tells noded.

Method ``heard`` of the daemon's control socket: the name of the run -> :class:`Heard` as JSON.
Source: docs/design/0018-untrusted-os.md.
"""

from typing import Final

import msgspec

METHOD: Final = "heard"


class Heard(msgspec.Struct, frozen=True, kw_only=True):
    """What was heard of a run.

    Attributes:
        asked: whether the helper has asked for anything.
        code: exit code of the script, once it told it.
        output: what the script printed, as far as it told that.
    """

    asked: bool = False
    code: int | None = None
    output: str = ""


NOTHING: Final = Heard()
