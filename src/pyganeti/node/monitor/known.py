"""What collectors must know of the cluster, which confd tells any node.

    ConfdClient -> Known -> collectors

A node that is no master candidate has no configuration; it asks the candidates.
Source: ganeti-confd(8).
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from pyganeti.kit.files import read_bytes
from pyganeti.kit.paths import Paths
from pyganeti.kit.threads import in_thread
from pyganeti.wire.confd.client import ConfdClient
from pyganeti.wire.confd.datagram import ConfdError
from pyganeti.wire.confd.message import Query, Status

from .report import CollectorError, Data
from .volumes import Owners, volumes_of

TIMEOUT_S: Final = 5.0


def candidates_client(paths: Paths, port: int) -> ConfdClient:
    """Asks the master candidates that this node was told of.

    Raises:
        CollectorError: it belongs to no cluster.
        OSError: a file cannot be read.
    """
    key = read_bytes(paths.hmac_key)
    peers = (read_bytes(paths.ssconf("master_candidates_ips")) or b"").decode("ascii").split()
    if not key or not peers:
        raise CollectorError("this node belongs to no cluster")
    return ConfdClient(key, peers, port)


class Known:
    """Asks confd.

    Args:
        client: makes the client anew for each question: candidates and key change.
        node: name of this node.
    """

    def __init__(self, client: Callable[[], ConfdClient], node: str) -> None:
        self._client = client
        self._node = node

    # Any: a question's argument, JSON.
    async def _ask(self, query: Query, argument: Any = None) -> Data:
        def ask() -> Data:
            reply = self._client().ask(query, argument, timeout_s=TIMEOUT_S).reply
            if reply.status is not Status.OK:
                raise CollectorError(f"confd does not answer {query.name.lower()}: {reply.answer}")
            return reply.answer

        try:
            return await in_thread(ask)
        except (ConfdError, OSError) as err:
            raise CollectorError(f"confd: {err}") from err

    async def collectors(self) -> Mapping[str, tuple[bool, float]]:
        """By collector whether it is switched on, and the seconds between its samples.

        Raises:
            CollectorError: confd does not answer, or not sensibly.
        """
        answer = await self._ask(Query.DATA_COLLECTORS)
        try:
            return {
                str(name): (bool(one["active"]), int(one["interval"]) / 1_000_000)
                for name, one in answer.items()
            }
        except (AttributeError, KeyError, TypeError, ValueError) as err:
            raise CollectorError("confd: unexpected answer on data collectors") from err

    async def minors(self) -> dict[int, str]:
        """Instances by DRBD minor of this node.

        Raises:
            CollectorError: as above.
        """
        return pairing(await self._ask(Query.NODE_DRBD, self._node))

    async def instances(self) -> tuple[list[Data], list[Data]]:
        """This node's primary and secondary instances.

        Raises:
            CollectorError: as above.
        """
        return both(await self._ask(Query.NODE_INSTANCES, self._node))

    async def owners(self, instances: tuple[list[Data], list[Data]]) -> Owners:
        """Whose volumes are which.

        Raises:
            CollectorError: as above.
        """
        found: dict[tuple[str, str], str] = {}
        for instance in (*instances[0], *instances[1]):
            try:
                name, uuid, disks = str(instance["name"]), instance["uuid"], instance["disks"]
            except (KeyError, TypeError) as err:
                raise CollectorError("an instance without name, UUID and disks") from err
            # From a file they may be whole; confd names them by their UUIDs.
            if not all(isinstance(disk, dict) for disk in disks):
                disks = await self._ask(Query.INSTANCE_DISKS, uuid)
            for disk in disks:
                found |= dict.fromkeys(volumes_of(disk), name)
        return found


def pairing(rows: Data) -> dict[int, str]:
    """Instances by minor, from rows of node, minor, instance, disk, role and peer.

    Raises:
        CollectorError: they are not like that.
    """
    try:
        return {int(row[1]): str(row[2]) for row in rows}
    except (IndexError, KeyError, TypeError, ValueError) as err:
        raise CollectorError("unexpected pairing of DRBD minors and instances") from err


def both(answer: Data) -> tuple[list[Data], list[Data]]:
    """Primary and secondary instances, from an answer or a file.

    Raises:
        CollectorError: these are not two lists.
    """
    match answer:
        case [list() as primary, list() as secondary]:
            return primary, secondary
    raise CollectorError("expected two lists of instances: primary and secondary ones")
