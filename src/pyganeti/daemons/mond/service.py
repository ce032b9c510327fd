"""Answers requests for reports. Source: ganeti-mond(8); what Ganeti's daemon answers.

    GET path -> Collecting -> JSON
    GET /metrics -> NodeMetrics -> OpenMetrics

There is nothing to change, so any other method is answered as Ganeti's daemon does: 404.
"""

import logging
import traceback
from http import HTTPStatus
from typing import Final

import msgspec
from aiohttp import web

from pyganeti.daemons.exposing import CONTENT_TYPE
from pyganeti.model.versions import RELEASE_VERSION
from pyganeti.node.monitor.report import DEFAULT_CATEGORY, CollectorError, Data

from .collecting import Collecting, NothingToReport
from .metrics import NodeMetrics

API_VERSION: Final = 1
METRICS_PATH: Final = "/metrics"
_UNKNOWN: Final = "Resource not found"
_NOTHING: Final = "Unable to produce a report for the requested resource"
_LOG: Final = logging.getLogger(__name__)
_encoder: Final = msgspec.json.Encoder()


class NoSuchPath(Exception):
    """Nothing is there; its argument is the answer."""


class Service:
    """See the module.

    Args:
        collecting: has the reports.
        metrics: has the metrics.
    """

    def __init__(self, collecting: Collecting, metrics: NodeMetrics) -> None:
        self._collecting = collecting
        self._metrics = metrics

    async def answer(self, request: web.BaseRequest) -> web.Response:
        """The answer to ``request``, whatever happens."""
        response = await self._response(request)
        path = request.raw_path.partition("?")[0]
        line = "%s %.20s %.200s: %d"
        _LOG.debug(line, request.remote, request.method, path, response.status)
        return response

    async def _response(self, request: web.BaseRequest) -> web.Response:
        try:
            if request.method != "GET":
                raise NoSuchPath(_UNKNOWN)
            if request.raw_path.partition("?")[0] == METRICS_PATH:
                return _answer(HTTPStatus.OK, await self._metrics.text(), CONTENT_TYPE)
            return _json(await self._result(request.raw_path))
        except NoSuchPath as err:
            return _text(HTTPStatus.NOT_FOUND, str(err))
        except NothingToReport:
            return _text(HTTPStatus.NOT_FOUND, _NOTHING)
        except CollectorError as err:
            return _text(HTTPStatus.INTERNAL_SERVER_ERROR, str(err))
        except Exception as err:
            # Supervisor: a bug in one collector must not take the daemon down.
            place = "".join(traceback.format_tb(err.__traceback__))
            _LOG.error("request failed with %s at\n%s", type(err).__name__, place)
            return _text(HTTPStatus.INTERNAL_SERVER_ERROR, "internal error")

    async def _result(self, raw: str) -> Data:
        path = raw.partition("?")[0]
        match path.removeprefix("/").removesuffix("/").split("/"):
            case [""] if path == "/":
                return [API_VERSION]
            case ["1"]:
                return None
            case ["1", "list", "collectors"]:
                return self._listed()
            case ["1", "report", "all"]:
                return await self._collecting.all()
            case ["1", "report", category, name]:
                return await self._collecting.one(category, name)
            case ["1", "report", *_]:
                raise NoSuchPath(_NOTHING)
        raise NoSuchPath(_UNKNOWN)

    def _listed(self) -> Data:
        """Name, category and kind of those that are on."""
        active = self._collecting.active()
        return [[one.name, one.category or DEFAULT_CATEGORY, one.kind.value] for one in active]


def _json(data: Data) -> web.Response:
    return _answer(HTTPStatus.OK, _encoder.encode(data), "application/json")


def _text(status: HTTPStatus, text: str) -> web.Response:
    return _answer(status, text.encode(), "text/plain")


def _answer(status: HTTPStatus, body: bytes, content_type: str) -> web.Response:
    headers = {"Content-Type": content_type, "Server": f"Ganeti {RELEASE_VERSION}"}
    return web.Response(status=status, body=body, headers=headers)
