"""The shell that is built into UEFI firmware, on a guest's serial console.

A guest without anything to boot ends there. It is enough of an operating system to write variables,
and to speak to a TPM by its registers.
"""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

GUID: Final = "7d8a3c5e-0f61-4a7b-9c1d-2b3e4f506172"
_PROMPT: Final = "Shell>"
_BOOT_S: Final = 480.0
_ANSWER_S: Final = 120.0
# What moves the cursor and sets colours.
_ESCAPES: Final = re.compile(r"\x1b\[[0-9;?=]*[A-Za-z]")

# The TPM's registers: locality, order, start, and where commands and answers lie.
_LOCALITY: Final = 0xFED40008
_ORDER: Final = 0xFED40040
_START: Final = 0xFED4004C
_DATA: Final = 0xFED40080
_OWNER: Final = bytes.fromhex("40000001")
_INDEX: Final = bytes.fromhex("01800001")
_NO_PASSWORD: Final = bytes.fromhex("00000009 40000009 0000 00 0000")
_SIZE: Final = 4


class EfiShell:
    """A shell that waits for a command."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._said = ""

    async def _until(self, end: str, timeout_s: float) -> str:
        """What is said up to ``end``, and that; what comes in the same breath waits its turn."""
        try:
            async with asyncio.timeout(timeout_s):
                while end not in self._said:
                    data = await self._reader.read(4096)
                    assert data, f"the guest has ended: {self._said[-400:]!r}"
                    self._said = _ESCAPES.sub("", self._said + data.decode("utf-8", "replace"))
        except TimeoutError as err:
            text = f"no {end!r} in {timeout_s:g} s: {self._said[-400:]!r}"
            raise AssertionError(text) from err
        before, _, self._said = self._said.partition(end)
        return before + end

    async def boot(self) -> None:
        """Wait until it is there."""
        await self._until("any other key to continue", _BOOT_S)
        self._writer.write(b"\x1b")
        await self._until(_PROMPT, _ANSWER_S)

    async def run(self, command: str) -> str:
        """What a command says."""
        self._writer.write(command.encode() + b"\r")
        await self._until(command[-8:], _ANSWER_S)
        return (await self._until(_PROMPT, _ANSWER_S)).removesuffix(_PROMPT)

    async def set_variable(self, name: str, value: int) -> None:
        """Let the firmware remember a byte."""
        await self.run(f"setvar {name} -guid {GUID} -nv -bs =0x{value:02x}")

    async def variable(self, name: str) -> int | None:
        """What it remembers."""
        said = await self.run(f"setvar {name} -guid {GUID}")
        found = re.search(r"0001 Bytes\s+([0-9A-F]{2})", said.replace("\r", ""))
        return int(found[1], 16) if found else None

    async def define(self) -> int:
        """Let the TPM have a place for four bytes; the code of its answer."""
        attributes = (0x0206_0006).to_bytes(4, "big")
        public = _INDEX + bytes.fromhex("000b") + attributes + bytes(2) + _SIZE.to_bytes(2, "big")
        parameters = bytes(2) + len(public).to_bytes(2, "big") + public
        return _code(await self._order(0x12A, _OWNER, parameters))

    async def store(self, data: bytes) -> int:
        """Put four bytes there; the code of its answer."""
        sized = len(data).to_bytes(2, "big") + data
        return _code(await self._order(0x137, _OWNER + _INDEX, sized + bytes(2)))

    async def stored(self) -> bytes | None:
        """What is there."""
        answer = await self._order(0x14E, _OWNER + _INDEX, _SIZE.to_bytes(2, "big") + bytes(2))
        return answer[16:20] if _code(answer) == 0 else None

    async def _order(self, code: int, handles: bytes, parameters: bytes) -> bytes:
        body = code.to_bytes(4, "big") + handles + _NO_PASSWORD + parameters
        command = bytes.fromhex("8002") + (len(body) + 6).to_bytes(4, "big") + body
        await self._poke(_LOCALITY, 1)
        await self._poke(_ORDER, 1)
        padded = command + bytes(-len(command) % 8)
        for at in range(0, len(padded), 8):
            await self._poke(_DATA + at, int.from_bytes(padded[at : at + 8], "little"), 8)
        await self._poke(_START, 1)
        said = await self.run(f"dmem {_DATA:x} 20")
        lines = re.findall(r"FED400[89A]0: ((?:[0-9A-F]{2}[ -]*){16})", said.replace("\r", ""))
        assert len(lines) >= 2, said
        return bytes.fromhex(" ".join(lines).replace("-", " "))

    async def _poke(self, address: int, value: int, width: int = 4) -> None:
        await self.run(f"mm {address:x} {value:x} -w {width} -mem -n")


def _code(answer: bytes) -> int:
    return int.from_bytes(answer[6:10], "big")


@asynccontextmanager
async def shell_at(path: str) -> AsyncIterator[EfiShell]:
    """The shell of a guest whose serial console is a socket at ``path``."""
    reader, writer = await asyncio.open_unix_connection(path)
    try:
        yield EfiShell(reader, writer)
    finally:
        writer.close()
