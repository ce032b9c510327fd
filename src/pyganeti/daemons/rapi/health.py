"""How well the instances are placed: what htools say of the cluster, for ``/metrics``.

    LUXI queries -> htools' State -> score, nodes that fail N+1, what is left before one does

It takes a moment on a large cluster and changes slowly: a thread computes it, at most every minute.
Source: hinfo(1), hcheck(1); ``docs/metrics.md``.
"""

import asyncio
import logging
import math
from collections.abc import Sequence
from typing import Final

from pyganeti.daemons.exposing import Declared, Sample, Type
from pyganeti.htools.answers import (
    GROUP_FIELDS,
    INSTANCE_FIELDS,
    NODE_FIELDS,
    Answers,
    Field,
    read_answers,
    with_static_memory,
)  # fmt: skip
from pyganeti.htools.errors import InputError
from pyganeti.kit.clock import Clock
from pyganeti.kit.threads import in_thread
from pyganeti.rapi.call import Json, Master

SCORE: Final = Declared(
    "ganeti_cluster_score", Type.GAUGE, "How unevenly instances are spread, as hinfo says it."
)
FAILING: Final = Declared(
    "ganeti_cluster_n1_failing_nodes",
    Type.GAUGE,
    "Nodes that hold too little memory free for the failure of another one.",
)
SLACK: Final = Declared(
    "ganeti_cluster_n1_slack_bytes",
    Type.GAUGE,
    "Memory that the tightest node has left beyond what it must hold free.",
)
METRICS: Final = (SCORE, FAILING, SLACK)

# What htools count for a KVM node itself unless told otherwise, MiB.
_STATIC_MEMORY: Final = 4096
_MIB: Final = 1024 * 1024
_KEPT_S: Final = 60.0
_log = logging.getLogger(__name__)


class Health:
    """See the module.

    Args:
        clock: of the daemon.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._turn = asyncio.Lock()
        self._found: list[Sample] = []
        self._until = -math.inf

    async def samples(self, master: Master) -> list[Sample]:
        """The metrics; none of a cluster that htools do not understand.

        Raises:
            GenericError: the master does not answer.
        """
        async with self._turn:
            if self._clock.monotonic() >= self._until:
                answers = Answers(
                    groups=await _asked(master, "group", GROUP_FIELDS),
                    nodes=await _asked(master, "node", NODE_FIELDS),
                    instances=await _asked(master, "instance", INSTANCE_FIELDS),
                    info=await master.ask("QueryClusterInfo"),
                )
                self._found = await in_thread(_figures, answers)
                self._until = self._clock.monotonic() + _KEPT_S
            return self._found


async def _asked(master: Master, kind: str, fields: Sequence[str]) -> list[dict[str, Field]]:
    answer: Json = await master.ask("Query", kind, list(fields), None)
    return [
        dict(zip(fields, ((status, value) for status, value in row), strict=True))
        for row in answer["data"]
    ]


def _figures(answers: Answers) -> list[Sample]:
    # Only who is asked for metrics needs NumPy.
    from pyganeti.htools.metrics import failing_counts, score
    from pyganeti.htools.state import State

    try:
        cluster, hypervisor = read_answers(answers)
    except InputError as err:
        _log.warning("no score in the metrics: %s", err)
        return []
    state = State.of(with_static_memory(cluster, hypervisor, _STATIC_MEMORY), None)
    if not state.online.any():
        return []
    slack = int((state.free_mem - state.reserved)[state.online].min())
    failing, _instances = failing_counts(state)
    return [
        Sample(SCORE, score(state)),
        Sample(FAILING, failing),
        Sample(SLACK, slack * _MIB),
    ]
