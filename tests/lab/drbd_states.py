"""Runs in a lab node: prints how its DRBD devices are, as JSON."""

import asyncio
import dataclasses
import json

from pyganeti.kit.process import run
from pyganeti.node.storage.drbd.device import Drbd


async def main() -> None:
    """Do it."""
    found = (await Drbd(run).states()).values()
    print(json.dumps([dataclasses.asdict(state) for state in found]))


if __name__ == "__main__":
    asyncio.run(main())
