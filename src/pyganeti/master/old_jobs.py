"""Archived jobs whose file ``ganeti-cleaner`` has removed go from the database as well.

    archive on the master's disk, archive in the store -> no file, and old -> deleted, a few at once

The cleaner works on files, without a daemon; a site that does not run it keeps all its jobs. The
store is what candidates have and what a start reads, and must not grow for ever.
"""

import logging
import os
import re
from collections.abc import Callable
from typing import Final

from pyganeti.kit.clock import Clock
from pyganeti.kit.threads import in_thread
from pyganeti.master.queue.job import Job
from pyganeti.master.queue.queue import ended_at
from pyganeti.model.errors import GenericError
from pyganeti.store.committer import Committer
from pyganeti.store.interface import Batch, Delete, Table

# As the cleaner. A younger one without a file is one whose export is yet to come, or has failed.
OLD_S: Final = 21 * 86400.0
FIRST_S: Final = 3600.0
AGAIN_S: Final = 86400.0
_AT_ONCE: Final = 200
_FILE: Final = re.compile(r"job-([0-9]+)")

_log = logging.getLogger(__name__)


def archived_files(archive_dir: str) -> set[int]:
    """Ids of the jobs that have a file in the archive on this machine's disk.

    Raises:
        OSError: it cannot be read.
    """
    return {
        int(match.group(1))
        for _root, _dirs, names in os.walk(archive_dir, onerror=_raise)
        for name in names
        if (match := _FILE.fullmatch(name))
    }


def _raise(error: OSError) -> None:
    raise error


class OldJobs:
    """Deletes them, once a day.

    Args:
        store: has the archive.
        clock: wall clock and pauses.
        files: ids of the jobs that have a file; blocks, and raises ``OSError``.
        old_s: how long ago a job must have ended.
    """

    def __init__(
        self,
        store: Committer,
        clock: Clock,
        files: Callable[[], set[int]],
        *,
        old_s: float = OLD_S,
    ) -> None:
        self._old_s = old_s
        self._store = store
        self._clock = clock
        self._files = files

    async def run(self) -> None:
        """Do it for ever; a task of masterd."""
        pause_s = FIRST_S
        while True:
            await self._clock.sleep(pause_s)
            pause_s = AGAIN_S
            try:
                count = await self.delete()
            except (OSError, GenericError) as err:
                _log.warning("old archived jobs cannot be looked for, tomorrow again: %s", err)
            else:
                _log.info("deleted %d archived jobs whose files were removed", count)

    async def delete(self) -> int:
        """Delete them now; how many.

        Raises:
            OSError: the files cannot be looked at; nothing was deleted.
            ConfigurationError: the store refused; some may be gone.
        """
        # Before the files: a job that is archived meanwhile is not among these.
        keys = set(await self._store.keys(Table.ARCHIVE))
        kept = await in_thread(self._files)
        gone = sorted(key for key in keys if int(key) not in kept)
        count = 0
        for begin in range(0, len(gone), _AT_ONCE):
            count += await self._delete_old(gone[begin : begin + _AT_ONCE])
        return count

    async def _delete_old(self, keys: list[str]) -> int:
        records = await self._store.read_many(Table.ARCHIVE, keys)
        before = self._clock.now() - self._old_s
        old = [key for key, data in records.items() if ended_at(Job.from_json(data)) < before]
        if old:
            await self._store.commit(Batch(tuple(Delete(Table.ARCHIVE, key) for key in old)))
        return len(old)
