"""``maintain_node_health``: a node that the candidates call offline ends what runs on it.

    ssconf -> confd of several candidates -> this node's role -> guests and DRBD devices ended

Whoever marked it offline counts on nothing being written from here. One that cannot ask, or whose
question is not answered by enough candidates, goes on: being cut off is no reason to end guests.
Source: ganeti-watcher(8) Node operations.
"""

import asyncio
import logging
from typing import Final

from pyganeti.kit.clock import SystemClock
from pyganeti.kit.files import read_bytes
from pyganeti.kit.paths import Paths
from pyganeti.kit.process import run
from pyganeti.kit.resolver import own_hostname
from pyganeti.model.errors import GenericError
from pyganeti.node.app import build_hypervisors, build_network
from pyganeti.node.own_guests import end_devices, end_guests
from pyganeti.node.storage.drbd.device import Drbd
from pyganeti.wire.confd.client import Answer, ConfdClient, needed
from pyganeti.wire.confd.message import Query, Role, Status

_log = logging.getLogger(__name__)

_WANTED: Final = "True"


def keep_healthy(paths: Paths) -> bool:
    """End what runs on a node that is marked offline; whether all went well."""
    if _ssconf(paths, "maintain_node_health") != [_WANTED]:
        return True
    try:
        answer = _ask(paths)
    except GenericError as err:
        _log.info("whether this node is marked offline is not known: %s", err)
        return True
    if not is_offline(answer):
        return True
    return asyncio.run(_end_all(paths))


def is_offline(answer: Answer) -> bool:
    """Whether enough candidates agree that the node is marked offline."""
    if answer.answered < needed(answer.asked) or not answer.is_consistent:
        _log.warning("too few candidates agree on what this node is: nothing is ended")
        return False
    return answer.reply.status is Status.OK and answer.reply.answer == Role.OFFLINE


def _ask(paths: Paths) -> Answer:
    key = read_bytes(paths.hmac_key) or b""
    client = ConfdClient(key, _ssconf(paths, "master_candidates_ips"))
    return client.ask(Query.NODE_ROLE_BY_NAME, own_hostname(paths))


def _ssconf(paths: Paths, key: str) -> list[str]:
    return (read_bytes(paths.ssconf(key)) or b"").decode("utf-8", "replace").split()


async def _end_all(paths: Paths) -> bool:
    network = build_network(paths, run)
    hypervisors = build_hypervisors(paths, SystemClock(), run, network)
    well = await end_guests(hypervisors, tuple(_ssconf(paths, "hypervisor_list")))
    # A virtual node shares the kernel, whose devices are the machine's or other nodes'.
    return well if paths.is_virtual else well & await end_devices(Drbd(run))
