"""``move-instance``: moves instances from one cluster to another, over their REST interfaces.

options -> both clusters asked -> some moves at a time, each with jobs on both -> 0 if all worked

Source: the tool of this name; docs/design/0022-between-clusters.md.
"""

import argparse
import asyncio
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from pyganeti.kit.clock import Clock, SystemClock
from pyganeti.model.errors import GenericError
from pyganeti.tools.ending import ended

from .moving import Clusters, check, move
from .options import parse
from .plan import PlanError
from .rest import Account, MoveError, Rest, RestClient

_PROGRAM = "move-instance"
# Each move has a job at both ends that is waited for.
_THREADS_EACH = 2

Connect = Callable[[Account], Rest]


def _account(options: argparse.Namespace, end: str, host: str) -> Account:
    """Where a cluster is.

    Raises:
        MoveError: the file with the password has none.
        OSError: it cannot be read.
    """
    port, ca_file, user, file = (
        getattr(options, f"{end}_{name}")
        for name in ("rapi_port", "ca_file", "username", "password_file")
    )
    password = None
    if file is not None:
        with open(file, encoding="utf-8") as source:
            password = source.readline().rstrip("\r\n")
        if not password:
            raise MoveError(f"{file}: its first line should be the password")
    return Account(host, port, ca_file, user, password)


async def move_all(clusters: Clusters, names: Sequence[str]) -> list[str]:
    """Move all, as many at a time as was asked for; those that were not moved, in order.

    Raises:
        MoveError: nothing was begun.
    """
    await check(clusters)
    turns = asyncio.Semaphore(clusters.options.parallel)
    talks = clusters.options.verbose or clusters.options.debug

    async def one(name: str) -> bool:
        def tell(text: str) -> None:
            print(f"{name}: {text}", flush=True)

        async with turns:
            try:
                await move(clusters, name, tell, tell if talks else lambda _: None)
            except (MoveError, PlanError) as err:
                print(f"{_PROGRAM}: {name}: {err}", file=sys.stderr, flush=True)
                return False
            return True

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(one(name)) for name in names]
    return [name for name, task in zip(names, tasks, strict=True) if not task.result()]


async def _run(options: argparse.Namespace, connect: Connect, clock: Clock) -> int:
    source = connect(_account(options, "src", options.source))
    destination = connect(_account(options, "dest", options.destination))
    clusters = Clusters(source, destination, clock, options)
    threads = ThreadPoolExecutor(_THREADS_EACH * min(options.parallel, len(options.instances)))
    asyncio.get_running_loop().set_default_executor(threads)
    failed = await move_all(clusters, options.instances)
    if failed:
        raise GenericError(f"not moved: {', '.join(failed)}")
    return 0


def main(argv: Sequence[str] | None = None, connect: Connect = RestClient) -> int:
    """Entry point; 0 if all instances were moved."""
    options = parse(argv)
    try:
        return ended(_PROGRAM, lambda: asyncio.run(_run(options, connect, SystemClock())))
    except KeyboardInterrupt:
        text = "interrupted; jobs of both clusters go on, see 'gnt-job list' there"
        print(f"{_PROGRAM}: {text}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
