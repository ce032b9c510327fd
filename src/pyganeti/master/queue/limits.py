"""How many jobs of one kind may run at once: filter rules, and buckets named in reasons. Pure.

Source: gnt-filter(8), ganeti(7) ``--reason``; ``docs/design/0005-scheduling.md`` (Limits).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from pyganeti.master.queue.filtering import FilterAction, Verdict
from pyganeti.master.queue.job import Job

_BUCKET: Final = re.compile(r"rate-limit:0*([1-9][0-9]{0,8}):(.*)", re.ASCII | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Limit:
    """At most ``most`` jobs run of those that have it.

    Attributes:
        most: how many.
        name: as told to users: ``job filter UUID`` or ``rate-limit:4:label``.
    """

    most: int
    name: str


def limits_of(job: Job, verdict: Verdict) -> tuple[Limit, ...]:
    """The limits of ``job``, of which the filters say ``verdict``."""
    found = dict.fromkeys(buckets_of(job))
    if verdict.action is FilterAction.RATE_LIMIT:
        found[Limit(verdict.most, f"job filter {verdict.rule}")] = None
    return tuple(found)


def buckets_of(job: Job) -> Iterator[Limit]:
    """Buckets that the reasons of the job's opcodes name; one may come twice."""
    for op in job.ops:
        for _, reason, _ in op.reasons():
            # Almost no reason does, and each costs every job.
            if reason.startswith("rate-limit:"):
                match = _BUCKET.fullmatch(reason)
                if match is not None:
                    most = int(match[1])
                    yield Limit(most, f"rate-limit:{most}:{match[2]}")
