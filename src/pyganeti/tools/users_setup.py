"""``users-setup``: makes the system users and groups that daemons run as.

Packages do this themselves; it is for installations without one. Without them all daemons run as
root. Source: Ganeti's tool of this name; layout facts.
"""

import argparse
import grp
import pwd
import sys
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from pyganeti.kit.process import Command, ProcessError, run_blocking


class User(NamedTuple):
    """A user: its name, which its first group has, too, and what other groups it is in."""

    name: str
    groups: tuple[str, ...]


GROUPS: Final = (
    "gnt-admin",
    "gnt-confd",
    "gnt-daemons",
    "gnt-luxid",
    "gnt-masterd",
    "gnt-metad",
    "gnt-rapi",
)
# The master hands files over to these groups.
USERS: Final = (
    User("gnt-confd", ("gnt-daemons",)),
    User("gnt-masterd", ("gnt-admin", "gnt-confd", "gnt-daemons")),
    User("gnt-metad", ("gnt-daemons",)),
    User("gnt-rapi", ("gnt-admin", "gnt-daemons")),
)
_HOME: Final = "/var/lib/ganeti"
_SHELL: Final = "/usr/sbin/nologin"


class Step(NamedTuple):
    """Something to do, and what does it."""

    text: str
    command: Command


def steps(groups: set[str], users: set[str], members: dict[str, set[str]]) -> Iterator[Step]:
    """What is missing.

    Args:
        groups: that there are.
        users: that there are.
        members: of groups, as far as they are not a user's first.
    """
    for name in GROUPS:
        if name not in groups:
            yield Step(f"add group {name}", Command(("groupadd", "--system", name)))
    for user in USERS:
        if user.name not in users:
            argv = ("useradd", "--system", "--no-create-home", "--gid", user.name)
            yield Step(
                f"add user {user.name} with primary group {user.name}",
                Command((*argv, "--home-dir", _HOME, "--shell", _SHELL, user.name)),
            )
        for group in user.groups:
            if user.name not in members.get(group, set()):
                argv = ("usermod", "--append", "--groups", group, user.name)
                yield Step(f"add user {user.name} to group {group}", Command(argv))


def missing() -> list[Step]:
    """What is missing on this machine."""
    found = grp.getgrall()
    users = {user.pw_name for user in pwd.getpwall()}
    members = {group.gr_name: set(group.gr_mem) for group in found}
    return list(steps({group.gr_name for group in found}, users, members))


def _confirmed() -> bool:
    print("Type yes to go on: ", end="", flush=True)
    return sys.stdin.readline().strip() == "yes"


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point."""
    parser = argparse.ArgumentParser(prog="users-setup", description=__doc__.splitlines()[0])
    parser.add_argument("--yes-do-it", action="store_true", help="do not ask")
    options = parser.parse_args(argv)
    todo = missing()
    for step in todo:
        print(f"+ will {step.text}")
    if not todo:
        print("All users and groups are there.")
        return 0
    if not options.yes_do_it and not _confirmed():
        print("Aborted.", file=sys.stderr)
        return 1
    for step in todo:
        try:
            run_blocking(step.command)
        except ProcessError as err:
            print(f"users-setup: {step.text}: {err}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
