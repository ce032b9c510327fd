"""Writes ``config.data``, ``queue/job-N`` and ``queue/serial`` as Ganeti has them.

A task of masterd: told what changed, writes it a moment later, several changes at once, here and on
the candidates. Source: ``docs/design/0001-state.md`` (Exports); layout facts.
"""

import asyncio
import hashlib
import logging
import os
from functools import partial
from typing import Final

import msgspec

from pyganeti.kit.clock import Clock
from pyganeti.kit.files import (
    read_bytes,
    remove,
    remove_unfinished,
    sync_directory,
    write_atomic,
)
from pyganeti.kit.identity import group_to_give
from pyganeti.kit.paths import Paths
from pyganeti.kit.threads import in_thread
from pyganeti.master.candidate_files import CandidateFiles
from pyganeti.master.config import ConfigState
from pyganeti.master.queue.job import Job
from pyganeti.master.queue.queue import JobQueue
from pyganeti.model.codec import encode_config
from pyganeti.model.errors import ConfigFileChanged, GenericError
from pyganeti.store.interface import Batch, Contents, Put, Store, Table

_log = logging.getLogger(__name__)

CONFIG_HASH: Final = "config_hash"
SMALL_DELAY_S: Final = 1.0
LARGE_DELAY_S: Final = 20.0
_LARGE: Final = 1000
# Jobs that are encoded at once: a few milliseconds.
_SLICE: Final = 100
CONFIG_MODE: Final = 0o640
_CONFIG_GROUP: Final = "gnt-confd"
_JOB_GROUP: Final = "gnt-daemons"


def digest(data: bytes) -> str:
    """What is remembered of a written ``config.data``."""
    return hashlib.sha256(data).hexdigest()


def check_config_file(paths: Paths, contents: Contents) -> None:
    """Make sure that nobody edited ``config.data`` behind the database's back.

    Raises:
        ConfigFileChanged: somebody did; the message names the two commands that decide.
    """
    found = read_bytes(paths.config_file)
    stored = contents[Table.META].get(CONFIG_HASH)
    if found is None or stored is None:
        return
    if digest(found) not in msgspec.json.decode(stored, type=list[str]):
        raise ConfigFileChanged(
            f"{paths.config_file} was changed by somebody else since it was last written;"
            " run 'ganeti-masterd --take-config-file' to use the file, or"
            " 'ganeti-masterd --keep-database' to overwrite it, then start again"
        )


class Exporter:
    """Keeps the files up to date.

    Args:
        paths: where they lie.
        store: keeps the hash of what was written.
        config: gives the snapshot.
        queue: gives the jobs.
        clock: for the delay.
        candidates: told what was written, and brings it to them.
    """

    def __init__(
        self,
        paths: Paths,
        store: Store,
        config: ConfigState,
        queue: JobQueue,
        clock: Clock,
        candidates: CandidateFiles,
    ) -> None:
        self._paths = paths
        self._candidates = candidates
        self._store = store
        self._config = config
        self._queue = queue
        self._clock = clock
        self._jobs: dict[int, Job] = {}
        self._is_tidy = True
        self._config_written = -1
        self._hashes: list[str] = []
        self._wakeup = asyncio.Event()
        self._turn = asyncio.Lock()

    def load(self, contents: Contents) -> None:
        """Take up what was written last; files of jobs may be behind, so all are looked at."""
        stored = contents[Table.META].get(CONFIG_HASH, b"[]")
        self._hashes = msgspec.json.decode(stored, type=list[str])
        self._jobs = dict(self._queue.jobs)
        self._is_tidy = False
        self._wakeup.set()

    def lacks_config(self) -> bool:
        """Whether there is no ``config.data`` at all, as on a new cluster."""
        return not os.path.exists(self._paths.config_file)

    def config_changed(self) -> None:
        """The configuration has changed."""
        self._wakeup.set()

    def job_changed(self, job: Job) -> None:
        """A job was made durable in a new state."""
        self._jobs[job.id] = job
        self._wakeup.set()

    async def run(self) -> None:
        """Write what changed, for ever."""
        while True:
            await self._wakeup.wait()
            await self._clock.sleep(self._delay())
            self._wakeup.clear()
            try:
                await self.flush()
            except (OSError, GenericError) as err:
                # A full disk must not end the master; the files are behind until it has room.
                _log.error("exports cannot be written: %s", err)
                self._wakeup.set()

    def _delay(self) -> float:
        view = self._config.view
        objects = len(view.instances) + len(view.disks) + len(view.nodes)
        return SMALL_DELAY_S if objects <= _LARGE else LARGE_DELAY_S

    async def flush(self) -> None:
        """Write everything that has changed.

        Raises:
            OSError: a file cannot be written; it will be tried again.
        """
        async with self._turn:
            if not self._is_tidy:
                await self._tidy()
            # First: the files of many thousand archived jobs take a while.
            await self._write_config()
            await self._write_jobs()

    async def _tidy(self) -> None:
        """Finish what a master was at when it was killed: halves of files, jobs to be archived."""
        await in_thread(lambda: remove_unfinished(*self._paths.state_dirs()))
        for job_id in await in_thread(self._paths.job_files):
            if job_id not in self._queue.jobs:
                job = await self._queue.find_job(job_id)
                # What nobody knows is left alone.
                if job is not None:
                    self._jobs.setdefault(job_id, job)
        self._is_tidy = True

    async def _write_config(self) -> None:
        view = self._config.view
        if view.serial == self._config_written:
            return
        data = await in_thread(lambda: encode_config(view.to_config()))
        new = digest(data)
        # Until the write has succeeded, the file may still be any of those that came before.
        self._hashes = [*(old for old in self._hashes if old != new), new]
        await self._store.commit(
            Batch((Put(Table.META, CONFIG_HASH, msgspec.json.encode(self._hashes)),))
        )
        # For ganeti-confd to read.
        gid = group_to_give(self._paths, _CONFIG_GROUP)
        path = self._paths.config_file
        await in_thread(lambda: write_atomic(path, data, mode=CONFIG_MODE, gid=gid))
        self._hashes = [new]
        self._config_written = view.serial
        self._candidates.config_written(data)

    async def _write_jobs(self) -> None:
        jobs, self._jobs = self._jobs, {}
        left = list(jobs.values())
        while left:
            now, left = left[:_SLICE], left[_SLICE:]
            files = [(job, self._queue.as_told(job).to_export()) for job in now]
            serial = self._queue.serial
            try:
                await in_thread(partial(self._write_job_files, files, serial))
            except OSError:
                self._jobs = {**{job.id: job for job in (*now, *left)}, **self._jobs}
                raise
            self._candidates.jobs_written(now)

    def _write_job_files(self, files: list[tuple[Job, bytes]], serial: int) -> None:
        moved: dict[str, str] = {}
        gid = group_to_give(self._paths, _JOB_GROUP)
        write = partial(write_atomic, mode=CONFIG_MODE, gid=gid)
        for job, data in files:
            here, there = self._paths.job_file(job.id), self._paths.archived_job_file(job.id)
            if job.archived:
                os.makedirs(os.path.dirname(there), mode=0o750, exist_ok=True)
                # Nobody looks at it again, as is done with the others at the next start.
                write(there, data, name_later=True)
                moved[here] = os.path.dirname(there)
            elif read_bytes(here) != data:
                write(here, data, durable=False)
        for directory in set(moved.values()):
            sync_directory(directory)
        for path in moved:
            remove(path)
        path = f"{self._paths.queue_dir}/serial"
        write(path, b"%d\n" % serial, durable=False)
