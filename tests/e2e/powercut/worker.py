"""A store under load, to be killed: ``worker.py DATABASE SYNCHRONOUS FIRST``.

Prints the number of each batch once it was acknowledged. A batch puts two records and replaces a
third, so that one that is there in part shows.
"""

import asyncio
import os
import random
import sys

from pyganeti.kit.worker import Worker
from pyganeti.store.committer import Committer
from pyganeti.store.interface import Batch, Put, Table
from pyganeti.store.sqlite import SqliteBackend

WRITERS = 6


def write_acknowledged(number: int) -> None:
    """One short write to a pipe: whole or not at all."""
    os.write(1, b"%d\n" % number)


async def write_batches(store: Committer, writer: int, first: int) -> None:
    """Commit one batch after another, for ever."""
    chance, number = random.Random(writer), first + writer
    while True:
        text = b"%d" % number
        batch = Batch(
            (
                Put(Table.CONFIG, f"instance/{number:09}", text + bytes(chance.randrange(3000))),
                Put(Table.JOB, f"{number}", text),
                Put(Table.META, f"last{writer}", text),
            )
        )
        await store.commit(batch)
        write_acknowledged(number)
        number += WRITERS


async def main(path: str, synchronous: str, first: int) -> None:
    """Run until killed."""
    with Worker("store") as thread:
        store = Committer(SqliteBackend(path, synchronous=synchronous), thread)
        await store.load()
        async with asyncio.TaskGroup() as group:
            group.create_task(store.run())
            for writer in range(WRITERS):
                group.create_task(write_batches(store, writer, first))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
