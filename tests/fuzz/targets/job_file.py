"""Job files as the first start after Ganeti takes them."""

import os
import tempfile
from collections.abc import Sequence

from pyganeti.kit.paths import Paths
from pyganeti.master.imports import read_job, take_config_file
from pyganeti.master.queue.job import Job
from pyganeti.model.errors import GenericError

from .checks import Unexpected, compact, refused
from .config_file import good_config
from .opcodes import example


class JobFile:
    """See the module. Each input is a file; some are taken with the whole directory."""

    name = "job-file"

    def __init__(self) -> None:
        self._count = 0
        self._config = good_config()

    def seeds(self) -> Sequence[bytes]:
        """Jobs in several states."""
        startup = {
            "input": example("OP_INSTANCE_STARTUP"),
            "status": "success",
            "result": [["node1", "web1"]],
            "log": [[1, [1_700_000_000, 5], "message", "text"], [2, [1, 2], "remote-import", {}]],
            "priority": 0,
            "start_timestamp": [1, 2],
            "exec_timestamp": [3, 4],
            "end_timestamp": [5, 6],
        }
        delay = {"input": example("OP_TEST_DELAY"), "status": "running"}
        secret = {"input": example("OP_INSTANCE_CREATE"), "status": "queued"}
        times = {"received_timestamp": [1, 2], "end_timestamp": [7, 8], "start_timestamp": None}
        jobs = [
            {"id": 1, "ops": [startup], **times},
            {"id": 2, "ops": [delay, startup], "archived": False, "livelock": "x"},
            {"id": 3, "ops": [secret], "process_id": 7},
            {"id": 4, "ops": []},
        ]
        return [*map(compact, jobs), b"", b"0"]

    def close(self) -> None:
        """Nothing to end."""

    def run(self, data: bytes) -> str:
        """Read one file; now and then a directory that has it."""
        self._count += 1
        if self._count % 50 == 1:
            return self._taken(data)
        try:
            job = read_job("job-1", data)
        except GenericError as err:
            return refused(err)
        stored = job.to_json()
        if Job.from_json(stored).to_json() != stored:
            raise Unexpected("a stored job reads otherwise")
        job.to_export()
        return f"{job.status} {len(job.ops)}"

    def _taken(self, data: bytes) -> str:
        with tempfile.TemporaryDirectory(prefix="fuzz-") as root:
            paths = Paths(root, os.path.basename(root))
            os.makedirs(f"{paths.archive_dir}/0")
            for path in (f"{paths.queue_dir}/job-1", f"{paths.archive_dir}/0/job-2"):
                _write(path, data)
            _write(f"{paths.queue_dir}/serial", data if len(data) < 100 else b"7\n")
            _write(paths.config_file, self._config)
            try:
                take_config_file(paths)
            except GenericError as err:
                return f"taken: {refused(err)}"
        return "taken"


def _write(path: str, data: bytes) -> None:
    with open(path, "wb") as handle:
        handle.write(data)
