"""``gnt-debug locks``: who holds which lock and who waits. Source: gnt-debug(8) LOCKS."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from pyganeti.cli.listing import Listing
from pyganeti.cli.option import Command
from pyganeti.cli.options import job as j
from pyganeti.cli.options import shared as o
from pyganeti.cli.table import joined
from pyganeti.kit.clock import sleep_blocking
from pyganeti.model.errors import ECode, OpPrereqError

if TYPE_CHECKING:
    from optparse import Values

    from pyganeti.cli.context import Context


def _owners(value: list[str] | None) -> str:
    return joined(value) if value else "-"


def _mode(value: str | None) -> str:
    return value or "-"


def _waiting(value: list[list[Any]] | None) -> str:
    # Without blanks, so that a line always has as many words as columns.
    return joined(f"{mode}:{joined(jobs)}" for mode, jobs in value) if value else "-"


LISTING: Final = Listing(
    "lock",
    ("name", "mode", "owner", "pending"),
    {"mode": _mode, "owner": _owners, "pending": _waiting},
)


def show(ctx: "Context", opts: "Values", args: list[str]) -> int:
    """List locks once, or again and again with ``--interval``."""
    return again_and_again(ctx, opts, lambda: LISTING.show(ctx, opts, args))


def again_and_again(ctx: "Context", opts: "Values", show_once: Callable[[], int]) -> int:
    """Show something once, or with ``--interval`` until it fails or the user has seen enough.

    Raises:
        OpPrereqError: the interval is negative.
    """
    if opts.interval is not None and opts.interval < 0:
        raise OpPrereqError(f"an interval of {opts.interval} seconds is not possible", ECode.INVAL)
    code = show_once()
    while opts.interval and not code:
        ctx.say("")
        sleep_blocking(opts.interval)
        code = show_once()
    return code


COMMANDS: Final = {
    "locks": Command(
        show, (), (o.NO_HEADERS, o.SEPARATOR, o.OUTPUT, o.VERBOSE, j.INTERVAL, o.FORMAT)
    ),
}
