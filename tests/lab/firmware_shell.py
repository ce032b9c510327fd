"""Runs on a node: lets a guest remember something, or asks it.

python3 -m tests.lab.firmware_shell SOCKET [boot] begin|check
"""

import asyncio
import sys
from typing import Final

from tests.contract.node.efi_shell import shell_at

NAME: Final = "Probe"
VALUE: Final = 0x5C
WORD: Final = b"seal"


async def work(path: str, words: list[str]) -> str:
    """What is remembered in the end, variable and TPM."""
    async with shell_at(path) as shell:
        if "boot" in words:
            await shell.boot()
        if "begin" in words:
            await shell.set_variable(NAME, VALUE)
            await shell.define()
            await shell.store(WORD)
        return f"{await shell.variable(NAME)} {await shell.stored()!r}"


if __name__ == "__main__":
    print(asyncio.run(work(sys.argv[1], sys.argv[2:])))
