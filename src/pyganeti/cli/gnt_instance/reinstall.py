"""``gnt-instance reinstall``: options -> ``OP_INSTANCE_REINSTALL`` for each selected instance.

It destroys data, so it asks even for a single instance. Source: gnt-instance(8) REINSTALL.
"""

from typing import TYPE_CHECKING, Final

from pyganeti.cli import failure
from pyganeti.cli.gnt_instance import selection
from pyganeti.cli.gnt_os.listing import usable_names
from pyganeti.cli.option import Command, any_number
from pyganeti.cli.options import instance as i
from pyganeti.cli.options import shared as o
from pyganeti.model.errors import OpPrereqError
from pyganeti.wire.luxi.client import OpDict

if TYPE_CHECKING:
    from optparse import Values

    from pyganeti.cli.context import Context


def run(ctx: "Context", opts: "Values", args: list[str]) -> int:
    """Install the operating system of the selected instances again."""
    names = selection.select(ctx, opts, args)
    if not names:
        ctx.say("Selection is empty, nothing to do")
        return failure.OK
    multiple = selection.is_multiple(opts, names)
    os_name = _choose_os(ctx, opts) if opts.select_os else opts.os
    _confirm(ctx, opts, names, multiple)

    def make(name: str) -> OpDict:
        return {
            "OP_ID": "OP_INSTANCE_REINSTALL",
            "instance_name": name,
            "os_type": os_name,
            "force_variant": opts.force_variant,
            "osparams": opts.osparams,
            "osparams_private": opts.osparams_private,
            "osparams_secret": opts.osparams_secret,
        }

    return selection.submit(ctx, opts, names, make, verbose=multiple)


def _confirm(ctx: "Context", opts: "Values", names: list[str], multiple: bool) -> None:
    if multiple:
        # -f alone is not enough for several: it is too easily left over from a single one.
        if not opts.force_multi:
            warning = "Note: this will remove *all* data of these instances!\n"
            selection.confirm_many(ctx, names, "reinstall", warning)
    elif not opts.force:
        ctx.confirm(f"This will reinstall the instance '{names[0]}' (and erase data). Continue?")


def _choose_os(ctx: "Context", opts: "Values") -> str:
    names = usable_names(ctx, opts)
    if not names:
        raise OpPrereqError("there is no usable operating system")
    choices = [(str(index), name) for index, name in enumerate(names)]
    listed = "\n".join(f" {index}: {name}" for index, name in choices)
    answer = ctx.ask(
        f"Available OS templates:\n{listed}\nEnter the number of an OS, x to exit",
        (*choices, ("x", "exit")),
    )
    if answer == "x":
        raise failure.NotConfirmed("Aborted: no operating system chosen.")
    return names[int(answer)]


COMMANDS: Final = {
    "reinstall": Command(
        run,
        (any_number("instance"),),
        (
            o.FORCE,
            o.OS,
            i.FORCE_VARIANT,
            i.SELECT_OS,
            o.OSPARAMS,
            o.OSPARAMS_PRIVATE,
            o.OSPARAMS_SECRET,
            *selection.OPTIONS,
            *o.JOB_DRY_RUN,
        ),
        usage="[options...] [instance...]",
    ),
}
