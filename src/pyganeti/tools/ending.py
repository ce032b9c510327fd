"""How the programs end: with an exit code, and one line about an error that ended them."""

import sys
from collections.abc import Callable

from pyganeti.kit.process import ProcessError
from pyganeti.model.errors import GenericError


def ended(program: str, work: Callable[[], int]) -> int:
    """Do ``work``; its exit code.

    An error that a user can do something about is told on one line, and the code is 1. Others are
    defects of ours, and pass.
    """
    try:
        return work()
    except OSError as err:
        where = f"{err.filename}: " if err.filename else ""
        print(f"{program}: {where}{err.strerror or err}", file=sys.stderr)
    except (GenericError, ProcessError, ValueError) as err:
        print(f"{program}: {err}", file=sys.stderr)
    return 1
