"""Listens on the interfaces of guests, and only there: who asks is known by the interface.

A socket that is bound to an interface gets what comes in there and nothing else, whatever address
a guest claims to have; so no guest is told about another one.
"""

import logging
import socket
from collections.abc import Callable
from typing import Final

from aiohttp import web

from pyganeti.kit.threads import in_thread
from pyganeti.model.errors import GenericError
from pyganeti.node.metadata import GuestRecord, GuestRecords
from pyganeti.node.network.interfaces import interface_number
from pyganeti.wire.helper_words import NOTHING, Heard

from . import answers

LARGEST_RESULT: Final = 1 << 20
_IP_FREEBIND: Final = 15
_INTERFACE_SIZE: Final = 16
_BACKLOG: Final = 16
_log = logging.getLogger(__name__)


class Metadata:
    """The service.

    Args:
        records: what guests may know, by interface.
        search_path: where OS definitions are.
        address, port: where guests find it.
    """

    def __init__(
        self, records: GuestRecords, search_path: tuple[str, ...], address: str, port: int
    ) -> None:
        self._records = records
        self._search_path = search_path
        self._address = (address, port)
        self._sites: dict[str, tuple[int, web.SockSite]] = {}
        # By interface: the helper's run, and what it has said in it.
        self._heard: dict[str, tuple[str, Heard]] = {}
        self._runner = web.AppRunner(self._application(), access_log=_log)

    def _application(self) -> web.Application:
        app = web.Application(client_max_size=0)
        latest = "/ganeti/latest"
        app.add_routes(
            [
                web.get(f"{latest}/meta_data.json", self._describe),
                web.get(f"{latest}/os/environment", self._environment),
                web.get(f"{latest}/os/os-install-package", self._install_package),
                web.get(f"{latest}/os/package", self._package),
                web.get(f"{latest}/os/parameters.json", self._parameters),
                web.post(f"{latest}/os/result", self._result),
                web.get(f"{latest}/os/scripts/{{name}}", self._script),
                web.get(f"{latest}/read", self._nothing),
                web.post(f"{latest}/write", self._nothing),
            ]
        )
        return app

    # --- where it listens

    async def start(self) -> None:
        """Get ready; nobody can ask before :meth:`refresh`."""
        await self._runner.setup()

    async def stop(self) -> None:
        """End all connections."""
        await self._runner.cleanup()

    async def refresh(self) -> None:
        """Listen on the interfaces that have a record and exist, and on no others."""
        wanted = {}
        on_record = await in_thread(lambda: tuple(self._records.interfaces()))
        for name in self._heard.keys() - set(on_record):
            del self._heard[name]
        for name in on_record:
            number = interface_number(name)
            if number is not None:
                wanted[name] = number
        for name, (number, site) in list(self._sites.items()):
            # One of the same name may be another interface by now.
            if wanted.get(name) != number:
                del self._sites[name]
                await site.stop()
        for name, number in wanted.items():
            if name not in self._sites:
                await self._listen(name, number)

    async def _listen(self, name: str, number: int) -> None:
        try:
            site = web.SockSite(self._runner, self._socket(name))
        except OSError as err:
            _log.error("cannot listen on %s: %s", name, err.strerror)
            return
        await site.start()
        self._sites[name] = number, site
        _log.info("guest on %s", name)

    def _socket(self, name: str) -> socket.socket:
        made = socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        try:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            made.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, name.encode())
            # noded may give the interface its address a moment later.
            made.setsockopt(socket.SOL_IP, _IP_FREEBIND, 1)
            made.bind(self._address)
            made.listen(_BACKLOG)
        except OSError:
            made.close()
            raise
        return made

    # --- what it answers

    async def _guest(self, request: web.Request) -> GuestRecord:
        interface = _interface(request)
        try:
            guest = await in_thread(self._records.find, interface)
        except GenericError as err:
            _log.error("%s", err)
            raise web.HTTPInternalServerError(text="the record of this guest is damaged\n") from err
        if guest is None:
            raise web.HTTPNotFound(text="nothing is known of this guest\n")
        if guest.run and self._heard.get(interface, ("",))[0] != guest.run:
            self._heard[interface] = guest.run, Heard(asked=True)
        return guest

    def heard(self, run: str) -> Heard:
        """What the helper of a run has said so far. See :class:`~pyganeti.wire.helper_words`."""
        return next((said for name, said in self._heard.values() if name == run), NOTHING)

    async def _environment(self, request: web.Request) -> web.Response:
        return await _file(answers.environment, await self._guest(request))

    async def _result(self, request: web.Request) -> web.Response:
        guest = await self._guest(request)
        try:
            answers.check_helper(guest)
            code, output = answers.read_result(await _body(request))
        except answers.NoAnswer as err:
            raise _missing(err) from err
        except ValueError as err:
            raise web.HTTPBadRequest(text=f"{err}\n") from err
        said = Heard(asked=True, code=code, output=output)
        self._heard[_interface(request)] = guest.run, said
        return web.Response()

    async def _describe(self, request: web.Request) -> web.Response:
        return _json(answers.description(await self._guest(request)))

    async def _parameters(self, request: web.Request) -> web.Response:
        return _json(answers.parameters(await self._guest(request)))

    async def _script(self, request: web.Request) -> web.Response:
        guest, name = await self._guest(request), request.match_info["name"]
        return await _file(answers.script, guest, name, self._search_path)

    async def _package(self, request: web.Request) -> web.Response:
        return await _file(answers.package, await self._guest(request), self._search_path)

    async def _install_package(self, request: web.Request) -> web.FileResponse:
        guest = await self._guest(request)
        try:
            return web.FileResponse(await in_thread(answers.install_package, guest))
        except answers.NoAnswer as err:
            raise _missing(err) from err

    async def _nothing(self, request: web.Request) -> web.Response:
        await self._guest(request)
        return web.Response()


async def _body(request: web.Request) -> bytes:
    """What a guest sends, which must not fill the node's memory."""
    body = bytearray()
    async for piece in request.content.iter_any():
        body += piece
        if len(body) > LARGEST_RESULT:
            raise web.HTTPRequestEntityTooLarge(LARGEST_RESULT, len(body))
    return bytes(body)


def _interface(request: web.Request) -> str:
    """Where the request came in: a connection belongs to the interface of its listener."""
    assert request.transport is not None
    connection = request.transport.get_extra_info("socket")
    name: bytes = connection.getsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, _INTERFACE_SIZE)
    return name.rstrip(b"\0").decode("ascii")


def _json(body: bytes) -> web.Response:
    return web.Response(body=body, content_type="application/json")


async def _file(make: Callable[..., bytes], *args: object) -> web.Response:
    try:
        return web.Response(body=await in_thread(make, *args))
    except answers.NoAnswer as err:
        raise _missing(err) from err
    except OSError as err:
        _log.error("%s", err)
        raise web.HTTPInternalServerError(text="it cannot be read\n") from err


def _missing(why: answers.NoAnswer) -> web.HTTPNotFound:
    return web.HTTPNotFound(text=f"{why}\n")
