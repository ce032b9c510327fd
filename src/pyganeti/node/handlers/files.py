"""Answers to calls that read or write the node's files."""

from pyganeti.kit.threads import in_thread
from pyganeti.node.dispatcher import Handler, handles
from pyganeti.node.files import NodeFiles
from pyganeti.wire.noderpc import files as calls
from pyganeti.wire.noderpc.types import FileInfo


class FilesHandlers:
    """Files of a node."""

    def __init__(self, files: NodeFiles) -> None:
        self._files = files

    def all(self) -> tuple[Handler, ...]:
        """One handler a procedure."""
        return (
            handles(calls.GetFileInfoCall, self._info),
            handles(calls.JobqueueListCall, self._queue_list),
            handles(calls.JobqueueUpdateCall, self._queue),
            handles(calls.UploadFileCall, self._upload),
            handles(calls.WriteSsconfFilesCall, self._ssconf),
        )

    async def _info(self, call: calls.GetFileInfoCall) -> FileInfo:
        return await in_thread(self._files.info, call.file_path)

    async def _queue_list(self, call: calls.JobqueueListCall) -> tuple[int, ...]:
        return await in_thread(self._files.list_queue)

    async def _queue(self, call: calls.JobqueueUpdateCall) -> None:
        await in_thread(self._files.write_queue, call.files)

    async def _upload(self, call: calls.UploadFileCall) -> None:
        await in_thread(self._files.upload, call.file_name, call.content, call.mode)

    async def _ssconf(self, call: calls.WriteSsconfFilesCall) -> None:
        await in_thread(self._files.write_ssconf, call.values)
