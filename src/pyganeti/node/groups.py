"""Records of the process groups that tasks run, so that a restarted daemon can end leftovers.

A record is a file a task below ``run/ganeti/tasks``; it names the boot, and each group with its
leader's start time, so that a reused number is never mistaken for ours.
"""

import os

import msgspec

from pyganeti.kit.files import read_bytes, remove, write_atomic
from pyganeti.kit.process import Command, Finished, kill_group, run, start_time

_BOOT_ID = "/proc/sys/kernel/random/boot_id"


class _Record(msgspec.Struct, frozen=True):
    boot_id: str
    groups: tuple[tuple[int, int], ...]


def boot_id() -> str:
    """What the kernel calls this boot."""
    return (read_bytes(_BOOT_ID) or b"").decode("ascii").strip()


class GroupRecords:
    """The directory of records. Its files are small and on a memory file system: no threads."""

    def __init__(self, directory: str) -> None:
        self._directory = directory

    def write(self, task: str, groups: dict[int, int]) -> None:
        """Record that ``task`` runs ``groups`` (leader to start time)."""
        os.makedirs(self._directory, 0o700, exist_ok=True)
        record = _Record(boot_id(), tuple(groups.items()))
        write_atomic(self._path(task), msgspec.json.encode(record), durable=False)

    def remove(self, task: str) -> None:
        """Forget ``task``, whose programs have ended."""
        remove(self._path(task))

    def end_leftovers(self) -> tuple[str, ...]:
        """End what a former daemon's tasks left running; their names."""
        try:
            names = sorted(os.listdir(self._directory))
        except FileNotFoundError:
            return ()
        for name in names:
            self._end(os.path.join(self._directory, name))
        return tuple(names)

    def _end(self, path: str) -> None:
        try:
            record = msgspec.json.decode(read_bytes(path) or b"", type=_Record)
        except msgspec.DecodeError:
            # Cut off by a crash before its program ran; nothing can be concluded from it.
            record = _Record("", ())
        if record.boot_id == boot_id():
            for leader, started in record.groups:
                # A dead leader's number stays taken while its group lives, so it is still ours.
                if start_time(leader) in (started, None):
                    kill_group(leader)
        remove(path)

    def _path(self, task: str) -> str:
        return os.path.join(self._directory, task)


class RecordedRunner:
    """A :class:`~pyganeti.kit.process.Runner` whose programs are on record while they run."""

    def __init__(self, records: GroupRecords, task: str) -> None:
        self._records = records
        self._task = task
        self._groups: dict[int, int] = {}

    async def __call__(self, command: Command) -> Finished:
        """See :class:`~pyganeti.kit.process.Runner`."""
        leader: list[int] = []

        def started(pid: int) -> None:
            leader.append(pid)
            self._groups[pid] = start_time(pid) or 0
            self._records.write(self._task, self._groups)

        try:
            return await run(command, started=started)
        finally:
            for pid in leader:
                del self._groups[pid]
            if self._groups:
                self._records.write(self._task, self._groups)
            else:
                self._records.remove(self._task)
