"""The special hook ``config-update``: programs that run on the master after changes.

Called by the processor at the end of each opcode that committed a change of the configuration,
whether it succeeded or was undone, after all other hooks. What fails is only told. Source: hook
facts, special hooks.
"""

import os
from contextlib import suppress
from typing import Final

CONFIG_UPDATE: Final = "config-update"


def has_hooks(hooks_dir: str) -> bool:
    """Whether there may be any: asking the node daemon costs more than looking.

    Args:
        hooks_dir: the directory of all hooks on this machine.
    """
    with suppress(FileNotFoundError, NotADirectoryError):
        try:
            with os.scandir(f"{hooks_dir}/{CONFIG_UPDATE}-post.d") as entries:
                return any(True for _ in entries)
        except PermissionError:
            return True
    return False
