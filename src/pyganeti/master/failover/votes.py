"""May this node take over, by what the others say of the master? Pure.

Source: gnt-cluster(8) MASTER-FAILOVER.
"""

from collections import Counter
from collections.abc import Collection, Mapping

from pyganeti.master.failover.known import Known
from pyganeti.model.errors import ECode, OpPrereqError
from pyganeti.wire.noderpc.types import MasterVote


def is_majority(part: int, whole: int) -> bool:
    """Whether ``part`` is more than half."""
    return part * 2 > whole


def check_votes(
    known: Known,
    voters: Collection[str],
    votes: Mapping[str, MasterVote],
    silent: Mapping[str, str],
) -> None:
    """Refuse unless most nodes answer and this node's master is theirs.

    Nodes that name this node itself do so after a takeover that was interrupted: it may go on.

    Args:
        known: what this node knows.
        voters: names of the nodes that count.
        votes: their answers.
        silent: why the others gave none.

    Raises:
        OpPrereqError: too few answered (``ECode.ENVIRON``), or they name another master
            (``ECode.STATE``).
    """
    if not is_majority(len(votes), len(voters)):
        missing = "\n".join(f"{name}: {silent[name]}" for name in voters if name in silent)
        raise OpPrereqError(
            f"only {len(votes)} of {len(voters)} nodes answer, so the new master could not start;"
            f" --no-voting does without a majority:\n{missing}",
            ECode.ENVIRON,
        )
    named = Counter(vote.master for vote in votes.values() if vote.master)
    ours = named.pop(known.master, 0) + named.pop(known.me, 0)
    if not named:
        return
    other, theirs = named.most_common(1)[0]
    if theirs >= ours:
        raise OpPrereqError(
            f"this node believes that {known.master} is the master, but {theirs} of"
            f" {len(voters)} nodes say that it is {other}; bring this node up to date first, with"
            " 'gnt-cluster redist-conf' on the master",
            ECode.STATE,
        )
