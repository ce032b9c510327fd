"""``config.data`` and the job files taken as the state, and the other way round.

Masterd must not run. Called at the first start after Ganeti's, and by the two commands that decide
when the file was
edited. Source: ``docs/design/0001-state.md`` (Exports).
"""

import os
import re
from typing import Final

import msgspec

from pyganeti.kit.files import read_bytes, write_atomic
from pyganeti.kit.nesting import MAX_NESTING, is_too_deep
from pyganeti.kit.paths import Paths
from pyganeti.master.config import config_writes, load_view
from pyganeti.master.export import CONFIG_HASH, CONFIG_MODE, digest
from pyganeti.master.queue.job import Job
from pyganeti.master.queue.queue import JOB_SERIAL
from pyganeti.model.change import Change
from pyganeti.model.checks import verify_config
from pyganeti.model.codec import decode_config, encode_config
from pyganeti.model.errors import ConfigurationError, ConfigVersionMismatch, NotClusterError
from pyganeti.model.view import ClusterView
from pyganeti.store.interface import (
    CONFIG_SERIAL,
    IMPORTED,
    SEQ,
    Contents,
    Delete,
    Put,
    Table,
    Transaction,
)
from pyganeti.store.sqlite import SqliteBackend

_JOB_FILE: Final = re.compile(r"job-([0-9]+)")
_DIGITS: Final = 18


def needs_import(paths: Paths) -> bool:
    """Whether there is no database but a file to make it from.

    Raises:
        NotClusterError: there is neither.
    """
    if os.path.exists(paths.database):
        return False
    if not os.path.exists(paths.config_file):
        raise NotClusterError(f"this node is not part of a cluster: no {paths.database}")
    return True


def take_config_file(paths: Paths) -> None:
    """Make ``config.data`` the configuration; jobs are taken too when there is no database.

    Raises:
        ConfigurationError: the file cannot be read or contradicts itself, or a job file cannot be
            read; nothing was changed.
    """
    data = read_bytes(paths.config_file)
    if data is None:
        raise ConfigurationError(f"there is no {paths.config_file}")
    try:
        view = ClusterView.from_config(decode_config(data))
    except ConfigVersionMismatch:
        raise  # its arguments are the versions
    except ConfigurationError as err:
        raise ConfigurationError(f"{paths.config_file}: {err}") from err
    problems = verify_config(view)
    if problems:
        raise ConfigurationError(f"{paths.config_file} contradicts itself: {'; '.join(problems)}")
    jobs = [] if os.path.exists(paths.database) else _jobs(paths)
    backend = SqliteBackend(paths.database)
    try:
        contents = backend.load()
        writes = [*_replacing(contents, view), *_serials(contents, view, digest(data)), *jobs]
        seq = int(contents[Table.META].get(SEQ, b"0"))
        backend.apply(Transaction(seq + 1, tuple(writes)))
    finally:
        backend.close()


def _replacing(contents: Contents, view: ClusterView) -> list[Put | Delete]:
    """All objects of ``view``, and none of those that are not in it."""
    everything = Change(
        puts=(
            view.cluster,
            *view.groups.values(),
            *view.nodes.values(),
            *view.instances.values(),
            *view.disks.values(),
            *view.networks.values(),
            *view.filters.values(),
        )
    )
    puts = config_writes(everything)
    kept = {put.key for put in puts}
    gone = [Delete(Table.CONFIG, key) for key in contents[Table.CONFIG] if key not in kept]
    return [*gone, *puts]


def _serials(contents: Contents, view: ClusterView, written: str) -> list[Put | Delete]:
    """The serial goes on above both, so that no candidate takes it for one it has."""
    stored = int(contents[Table.META].get(CONFIG_SERIAL, b"0"))
    serial = max(stored, view.serial) + 1
    return [
        Put(Table.META, CONFIG_SERIAL, str(serial).encode()),
        Put(Table.META, CONFIG_HASH, msgspec.json.encode([written])),
        Put(Table.META, IMPORTED, b"true"),
    ]


def _jobs(paths: Paths) -> list[Put | Delete]:
    """Job files, archived or not, and the number to go on with."""
    writes: list[Put | Delete] = []
    highest = _serial(f"{paths.queue_dir}/serial")
    for root, _, names in os.walk(paths.queue_dir):
        table = Table.ARCHIVE if root.startswith(paths.archive_dir) else Table.JOB
        for name in names:
            match = _JOB_FILE.fullmatch(name)
            data = read_bytes(os.path.join(root, name)) if match else None
            if match is None or data is None:
                continue
            job = read_job(os.path.join(root, name), data)
            highest = max(highest, job.id)
            writes.append(Put(table, str(job.id), job.to_json()))
    writes.append(Put(Table.META, JOB_SERIAL, str(highest).encode()))
    return writes


def _serial(path: str) -> int:
    text = (read_bytes(path) or b"0").strip() or b"0"
    if not text.isdigit() or len(text) > _DIGITS:
        raise ConfigurationError(f"{path} holds {text[:40]!r}, expected the number of the last job")
    return int(text)


def read_job(path: str, data: bytes) -> Job:
    """The job of a job file.

    Raises:
        ConfigurationError: it is none; names the file.
    """
    if is_too_deep(data):
        raise ConfigurationError(f"{path}: nested deeper than {MAX_NESTING} levels")
    try:
        return Job.from_json(data)
    except ConfigurationError as err:
        raise ConfigurationError(f"{path}: {err}") from err


def keep_database(paths: Paths) -> None:
    """Write ``config.data`` anew from the database; the edited file is kept beside it.

    Raises:
        ConfigurationError: there is no database, or it is damaged.
    """
    if not os.path.exists(paths.database):
        raise ConfigurationError(f"there is no {paths.database}")
    backend = SqliteBackend(paths.database)
    try:
        contents = backend.load()
        data = encode_config(load_view(contents).to_config())
        edited = read_bytes(paths.config_file)
        if edited is not None:
            write_atomic(f"{paths.config_file}.edited", edited, mode=CONFIG_MODE)
        write_atomic(paths.config_file, data, mode=CONFIG_MODE)
        put = Put(Table.META, CONFIG_HASH, msgspec.json.encode([digest(data)]))
        backend.apply(Transaction(int(contents[Table.META].get(SEQ, b"0")) + 1, (put,)))
    finally:
        backend.close()
