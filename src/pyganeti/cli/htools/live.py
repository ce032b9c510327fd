"""Clusters that run: what the master daemon (``-L``) or the REST daemon (``-m``) says of one.

    socket or address -> questions -> Answers -> Cluster

Source: htools(1); docs/design/0020-htools.md.
"""

import ssl
from base64 import b64encode
from collections.abc import Mapping, Sequence
from http.client import HTTPException, HTTPSConnection
from typing import Any, Final
from urllib.parse import unquote, urlsplit

import msgspec

from pyganeti.htools.answers import (
    GROUP_FIELDS,
    INSTANCE_FIELDS,
    NODE_FIELDS,
    Answers,
    Field,
    flat,
    read_answers,
    with_static_memory,
)
from pyganeti.htools.errors import InputError
from pyganeti.htools.model import Cluster
from pyganeti.kit.paths import Paths
from pyganeti.model.errors import GenericError, NoMasterError
from pyganeti.wire.luxi.client import LuxiClient, LuxiPermissionError

REST_PORT: Final = 5080
# The lists of a thousand nodes are made while we wait.
_TIMEOUT_S: Final = 300.0
_NODE_PARTS: Final = {"ndparams": "ndp/"}
_INSTANCE_PARTS: Final = {"beparams": "be/"}


class Running:
    """A cluster that runs.

    Args:
        cluster: as it was answered.
        hypervisor: its default one.
    """

    def __init__(self, cluster: Cluster, hypervisor: str) -> None:
        self.cluster = cluster
        self._hypervisor = hypervisor

    def counted(self, static_memory: int) -> Cluster:
        """With ``--static-kvm-node-memory``, in MiB."""
        return with_static_memory(self.cluster, self._hypervisor, static_memory)


def ask_master(address: str) -> Running:
    """Ask the master daemon; ``address`` is its socket, empty for the usual one.

    Raises:
        InputError: it does not answer, or not sensibly.
    """
    path = address or Paths.from_env().query_socket
    try:
        with LuxiClient(path) as client:
            answers = Answers(
                groups=_asked(client, "group", GROUP_FIELDS),
                nodes=_asked(client, "node", NODE_FIELDS),
                instances=_asked(client, "instance", INSTANCE_FIELDS),
                info=client.query_cluster_info(),
            )
    except NoMasterError as err:
        raise InputError(f"nothing listens at {path}: is this the master node?") from err
    except LuxiPermissionError as err:
        raise InputError(f"no permission to use {path}") from err
    except GenericError as err:
        raise InputError(str(err)) from err
    return Running(*read_answers(answers))


def _asked(client: LuxiClient, kind: str, fields: Sequence[str]) -> list[dict[str, Field]]:
    rows = client.query(kind, list(fields))["data"]
    return [
        dict(zip(fields, ((status, value) for status, value in row), strict=True)) for row in rows
    ]


def shown(address: str) -> str:
    """``address`` without the name and password that may stand in it."""
    before, at, host = address.rpartition("@")
    if not at:
        return address
    scheme, separator, _ = before.partition("://")
    return f"{scheme}{separator}{host}" if separator else host


def ask_rest(address: str) -> Running:
    """Ask a REST daemon; ``address`` is a host, or a URL that may hold name and password.

    Its certificate is not checked: clusters sign their own.

    Raises:
        InputError: it does not answer, or not sensibly.
    """
    rest = _Rest(address)
    try:
        groups, nodes, instances = (
            rest.get(f"/2/{kind}?bulk=1") for kind in ("groups", "nodes", "instances")
        )
        info = rest.get("/2/info")
    finally:
        rest.close()
    return Running(
        *read_answers(
            Answers(
                groups=_items(groups, "groups", {}),
                nodes=_items(nodes, "nodes", _NODE_PARTS),
                instances=_items(instances, "instances", _INSTANCE_PARTS),
                info=info,
            )
        )
    )


# Any, here and below: JSON.
def _items(found: Any, what: str, parts: Mapping[str, str]) -> list[dict[str, Field]]:
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise InputError(f"the answer on {what} is no list of objects")
    return [flat(one, parts) for one in found]


class _Rest:
    """A connection to a REST daemon."""

    def __init__(self, address: str) -> None:
        self._shown = shown(address)
        try:
            parts = urlsplit(address if "://" in address else f"https://{address}")
            port = parts.port
        except ValueError as err:
            raise InputError(f"{self._shown!r} is no address of a REST daemon") from err
        if parts.scheme != "https" or not parts.hostname:
            raise InputError(f"{self._shown!r} is no address of a REST daemon: https://HOST:PORT")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        self._base = parts.path.rstrip("/")
        self._headers = {"Accept": "application/json"}
        if parts.username is not None:
            given = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
            self._headers["Authorization"] = f"Basic {b64encode(given.encode()).decode()}"
        self._connection = HTTPSConnection(
            parts.hostname, port or REST_PORT, timeout=_TIMEOUT_S, context=context
        )

    def get(self, path: str) -> Any:
        """The answer at ``path``.

        Raises:
            InputError: there is none.
        """
        try:
            self._connection.request("GET", self._base + path, headers=self._headers)
            response = self._connection.getresponse()
            body = response.read()
        except (OSError, HTTPException) as err:
            why = getattr(err, "strerror", None) or str(err) or type(err).__name__
            raise InputError(f"{self._shown}: {why}") from err
        if response.status != 200:
            raise InputError(f"{self._shown}{path}: {response.status} {response.reason}")
        try:
            return msgspec.json.decode(body)
        except msgspec.DecodeError as err:
            raise InputError(f"{self._shown}{path}: the answer is no JSON: {err}") from err

    def close(self) -> None:
        """End the connection."""
        self._connection.close()
