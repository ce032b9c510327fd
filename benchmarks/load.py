"""A process of many LUXI clients, each of which submits a job, waits for its end, and goes on.

    python -m benchmarks.load SOCKET CLIENTS SECONDS -> "jobs seconds"

Not measured itself, so it does as little as it can: requests are built once, answers hardly read.
"""

import asyncio
import json
import sys
import time
from typing import Final

EOM: Final = b"\x03"
_OP: Final = {"OP_ID": "OP_TEST_DELAY", "duration": 0, "on_master": True, "on_nodes": []}
_SUBMIT: Final = json.dumps({"method": "SubmitJob", "args": [[_OP]]}).encode() + EOM
_ARCHIVE: Final = b'{"method":"AutoArchiveJobs","args":[-1,60]}' + EOM
_ARCHIVE_EVERY_S: Final = 5.0
# Nothing changes in what is watched before the end.
_WAIT: Final = b'{"method":"WaitForJobChange","args":[%d,["end_ts"],[null],1000000,60]}' + EOM


async def _ask(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes
) -> object:
    writer.write(request)
    answer = json.loads((await reader.readuntil(EOM))[:-1])
    if not answer["success"]:
        raise SystemExit(f"the master refused: {answer['result']}")
    return answer["result"]


async def _client(socket: str, end: float) -> int:
    reader, writer = await asyncio.open_unix_connection(socket)
    done = 0
    while time.monotonic() < end:
        job = await _ask(reader, writer, _SUBMIT)
        while await _ask(reader, writer, _WAIT % job) == "nochange":
            pass
        done += 1
    writer.close()
    return done


async def _archive(socket: str) -> None:
    """As the watcher does, so that a long run does not fill the queue."""
    reader, writer = await asyncio.open_unix_connection(socket)
    while True:
        await asyncio.sleep(_ARCHIVE_EVERY_S)
        await _ask(reader, writer, _ARCHIVE)


async def _load(socket: str, clients: int, seconds: float) -> None:
    begin = time.monotonic()
    archiver = asyncio.create_task(_archive(socket))
    counts = await asyncio.gather(*(_client(socket, begin + seconds) for _ in range(clients)))
    print(sum(counts), time.monotonic() - begin)
    archiver.cancel()


if __name__ == "__main__":
    asyncio.run(_load(sys.argv[1], int(sys.argv[2]), float(sys.argv[3])))
