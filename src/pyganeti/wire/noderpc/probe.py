"""Whether a node daemon listens at an address: nothing is said, and no certificate needed."""

import asyncio
from typing import Final

NODED_PORT: Final = 1811
_TIMEOUT_S: Final = 3.0


async def is_answered(address: str) -> bool:
    """Whether a node daemon's port at ``address`` can be connected to."""
    try:
        async with asyncio.timeout(_TIMEOUT_S):
            _, writer = await asyncio.open_connection(address, NODED_PORT)
    except (OSError, TimeoutError):
        return False
    writer.close()
    return True
