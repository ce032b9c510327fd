"""``maintain_node_health``: a node that the candidates call offline ends what runs on it.

    ssconf -> confd of several candidates -> this node's role -> guests and DRBD devices ended

Whoever marked it offline counts on nothing being written from here. One that cannot ask, or whose
question is not answered by enough candidates, goes on: being cut off is no reason to end guests.
Confd answers from a copy that may be older than the end of a node's absence, so it is asked twice.
Source: ganeti-watcher(8) Node operations.
"""

import asyncio
import logging
from collections.abc import Callable
from functools import partial
from typing import Final

from pyganeti.kit.clock import Clock, SystemClock
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

CONFIRM_S: Final = 30.0
"""So much later confd has read what the master knew before: longer than a large cluster's
configuration waits to be written and sent (``master.export.LARGE_DELAY_S``)."""


def keep_healthy(paths: Paths) -> bool:
    """End what runs on a node that is marked offline; whether all went well."""
    if _ssconf(paths, "maintain_node_health") != [_WANTED]:
        return True
    return asyncio.run(_keep_healthy(paths, SystemClock()))


async def _keep_healthy(paths: Paths, clock: Clock) -> bool:
    try:
        offline = await stays_offline(partial(_ask, paths), clock)
    except GenericError as err:
        _log.info("whether this node is marked offline is not known: %s", err)
        return True
    return await _end_all(paths, clock) if offline else True


async def stays_offline(ask: Callable[[], Answer], clock: Clock) -> bool:
    """Whether the node is marked offline, and still is when older answers are ruled out.

    Args:
        ask: asks the candidates what the node is.
        clock: waits between two questions.

    Raises:
        GenericError: nobody answered.
    """
    if not is_offline(ask()):
        return False
    await clock.sleep(CONFIRM_S)
    return is_offline(ask())


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


async def _end_all(paths: Paths, clock: Clock) -> bool:
    network = build_network(paths, run)
    hypervisors = build_hypervisors(paths, clock, run, network)
    well = await end_guests(hypervisors, tuple(_ssconf(paths, "hypervisor_list")))
    # A virtual node shares the kernel, whose devices are the machine's or other nodes'.
    return well if paths.is_virtual else well & await end_devices(Drbd(run))
