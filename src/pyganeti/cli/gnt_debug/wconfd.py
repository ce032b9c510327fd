"""``gnt-debug wconfd``: what Ganeti's configuration daemon would be asked.

There is no such daemon: the master daemon owns configuration and locks and is asked instead, with
what LUXI offers. Source: gnt-debug(8) WCONFD.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Final, NamedTuple

from pyganeti.cli import failure
from pyganeti.cli.listing import number
from pyganeti.cli.option import Command, at_least_one
from pyganeti.cli.submit import run_op
from pyganeti.model.errors import ECode, OpPrereqError

if TYPE_CHECKING:
    from optparse import Values

    from pyganeti.cli.context import Context

# Name, mode, and owners such as ``12/TEST_DELAY(1.0)``.
_Lock = tuple[str, str, list[str]]


def _held(ctx: "Context") -> list[_Lock]:
    answer = ctx.query_client.query("lock", ["name", "mode", "owner"])
    rows = [[value for _, value in row] for row in answer["data"]]
    return [(name, mode, owners) for name, mode, owners in rows if owners]


def echo(ctx: "Context", opts: "Values", text: str) -> str:
    """The text, by way of the master daemon: it repeats the name of a field it does not know."""
    (field,) = ctx.query_client.query_fields("lock", [text])
    return f"Answer: {field['name']}"


def clean_up_locks(ctx: "Context", opts: "Values") -> str:
    """Nothing is left to be cleaned up, as long as the master daemon answers."""
    _held(ctx)
    return "No stale locks: here a lock ends with its job"


def list_locks(ctx: "Context", opts: "Values", job: str) -> str:
    """Locks of one job, each with its mode."""
    prefix = f"{number(job)}/"
    found = [
        [name, mode]
        for name, mode, owners in _held(ctx)
        if any(owner.startswith(prefix) for owner in owners)
    ]
    return f"Answer: {found}"


def list_all_locks(ctx: "Context", opts: "Values") -> str:
    """Names of the locks that are held."""
    return f"Answer: {[name for name, _, _ in _held(ctx)]}"


def list_all_locks_owners(ctx: "Context", opts: "Values") -> str:
    """Locks that are held, each with its owners and how they hold it."""
    found = [[name, [[owner, mode] for owner in owners]] for name, mode, owners in _held(ctx)]
    return f"Answer: {found}"


def flush_config(ctx: "Context", opts: "Values") -> str:
    """Bring all nodes the configuration, in a job; changes are on the candidates before."""
    run_op(ctx, opts, {"OP_ID": "OP_CLUSTER_REDIST_CONF"})
    return "The configuration is distributed"


class _Call(NamedTuple):
    """A call: what does it, and the words after its name."""

    answer: Callable[..., str]
    words: tuple[str, ...] = ()


_CALLS: Final = {
    "cleanuplocks": _Call(clean_up_locks),
    "echo": _Call(echo, ("text",)),
    "flushconfig": _Call(flush_config),
    "listalllocks": _Call(list_all_locks),
    "listalllocksowners": _Call(list_all_locks_owners),
    "listlocks": _Call(list_locks, ("job-id",)),
}


def run(ctx: "Context", opts: "Values", args: list[str]) -> int:
    """Make one call and print its answer.

    Raises:
        OpPrereqError: a call that is not offered, or the wrong number of words after it.
    """
    name, *words = args
    call = _CALLS.get(name)
    if call is None:
        raise OpPrereqError(
            f"wconfd: {name!r} is not offered; there is no such daemon here, and the master daemon"
            f" answers {', '.join(_CALLS)}",
            ECode.INVAL,
        )
    if len(words) != len(call.words):
        wanted = " ".join([name, *(f"{{{word}}}" for word in call.words)])
        raise OpPrereqError(f"wconfd: expected {wanted!r}, found {' '.join(args)!r}", ECode.INVAL)
    ctx.say(call.answer(ctx, opts, *words))
    return failure.OK


COMMANDS: Final = {
    "wconfd": Command(run, (at_least_one("unknown"),), (), usage="{call} [argument]"),
}
