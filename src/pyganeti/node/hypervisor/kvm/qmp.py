"""Talking to a guest's QEMU over its socket, with the ``qemu.qmp`` library."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

from qemu.qmp import ConnectError, QMPClient, QMPError
from qemu.qmp.error import ProtocolError
from qemu.qmp.qmp_client import NegotiationError

from pyganeti.model.errors import HypervisorError

TIMEOUT_S: Final = 20.0
_TRIES: Final = 5


class Qmp:
    """An open session. QEMU serves one at a time, so keep it short."""

    def __init__(self, client: QMPClient, name: str) -> None:
        self._client = client
        self._name = name

    async def execute(self, command: str, **arguments: object) -> Any:  # Any: JSON of QEMU's schema
        """Run ``command`` and return its answer.

        Raises:
            HypervisorError: QEMU refused, ended, or did not answer.
        """
        try:
            async with asyncio.timeout(TIMEOUT_S):
                return await self._client.execute(command, arguments or None)
        except (QMPError, ProtocolError, OSError, EOFError) as err:
            raise HypervisorError(f"{self._name}: QEMU: {command}: {err}") from err

    async def give(self, fd: int, name: str) -> None:
        """Give QEMU an open file, which it knows by ``name`` from then on.

        Raises:
            HypervisorError: as :meth:`execute`.
        """
        self._send(fd)
        await self.execute("getfd", fdname=name)

    async def add(self, fd: int) -> int:
        """Give QEMU an open file, which its block devices find at ``/dev/fdset/NUMBER``.

        Returns: the number.

        Raises:
            HypervisorError: as :meth:`execute`.
        """
        self._send(fd)
        return int((await self.execute("add-fd"))["fdset-id"])

    def _send(self, fd: int) -> None:
        try:
            self._client.send_fd_scm(fd)
        except (QMPError, ProtocolError, OSError) as err:
            raise HypervisorError(f"{self._name}: QEMU cannot be given a file: {err}") from err


@asynccontextmanager
async def qmp_session(path: str, name: str) -> AsyncIterator[Qmp]:
    """A session with the guest ``name`` over the socket ``path``.

    Raises:
        HypervisorError: nobody answers there.
    """
    client = await _connected(path, name)
    try:
        yield Qmp(client, name)
    finally:
        await _disconnect(client)


async def _connected(path: str, name: str) -> QMPClient:
    for tries_left in reversed(range(_TRIES)):
        client = QMPClient(name)
        try:
            async with asyncio.timeout(TIMEOUT_S):
                await client.connect(path)
        except (QMPError, ProtocolError, OSError) as err:
            # What happens to the guest at this moment comes where the library expects an answer.
            spoilt = isinstance(err, ConnectError) and isinstance(err.exc, NegotiationError)
            if not spoilt or not tries_left:
                raise HypervisorError(f"{name}: QEMU cannot be reached: {err}") from err
        else:
            return client
    raise HypervisorError(f"{name}: QEMU cannot be reached")


async def _disconnect(client: QMPClient) -> None:
    try:
        await client.disconnect()
    except (QMPError, ProtocolError, OSError, EOFError):
        # It ended first, which is what a guest that was told to quit does.
        return
