"""Commands that exist but are not built yet: they refuse with one line.

What uses this stands in ``tests/spec/pending.toml``.
"""

from typing import TYPE_CHECKING

from pyganeti.cli.failure import NotBuilt

if TYPE_CHECKING:
    from optparse import Values

    from pyganeti.cli.context import Context


def not_built(ctx: "Context", opts: "Values", args: list[str]) -> int:
    """The body of a command that is not built yet.

    Raises:
        NotBuilt: always.
    """
    raise NotBuilt(f"{ctx.program} {ctx.command}: not built yet in this version (pending)")
