"""Runs in a lab node: one action on the DRBD device that the arguments describe.

    python3 -m tests.lab.drbd_tool ACTION LOCAL_IP REMOTE_IP

Prints the state afterwards, as JSON; ``null`` when there is no device.
"""

import asyncio
import dataclasses
import json
import sys
from collections.abc import Awaitable, Callable
from typing import Final

from pyganeti.kit.process import run
from pyganeti.model.enums import DiskTemplate
from pyganeti.model.params.disk import DEFAULTS, device_params
from pyganeti.node.storage.drbd.commands import Link
from pyganeti.node.storage.drbd.device import Device, Drbd

MINOR: Final = 0


async def main(action: str, local: str, remote: str) -> None:
    """Do it."""
    params = device_params(DiskTemplate.DRBD, DEFAULTS[DiskTemplate.DRBD])
    # A peer that is gone is noticed soon.
    params["net-custom"] = "--ping-int=2 --connect-int=1 --timeout=10 --ping-timeout=5"
    link = Link(local, remote, 11000, "hush")
    device = Device(MINOR, "/dev/xenvg/d0", "/dev/xenvg/m0", 64, link, params)
    drbd = Drbd(run)
    actions: dict[str, Callable[[], Awaitable[object]]] = {
        "make": lambda: drbd.make_metadata(device),
        "attach": lambda: drbd.attach(device),
        "assemble": lambda: drbd.assemble(device, nothing),
        "disconnect": lambda: drbd.disconnect(device),
        "declare-good": lambda: drbd.declare_good(device),
        "open": lambda: opened(drbd, device, alone=True),
        "open-both": lambda: opened(drbd, device, alone=False),
        "close": lambda: drbd.close(device),
        "down": lambda: drbd.down(device),
        "state": lambda: drbd.find(device),
    }
    await actions[action]()
    state = await drbd.find(device)
    print(json.dumps(None if state is None else dataclasses.asdict(state)))


async def nothing() -> None:
    """The volumes are there."""


async def opened(drbd: Drbd, device: Device, *, alone: bool) -> None:
    """Let this node write, as it finds the device."""
    state = await drbd.find(device)
    assert state is not None
    await drbd.open(device, state, alone=alone)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
