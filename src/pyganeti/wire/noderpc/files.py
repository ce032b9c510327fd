"""Node calls that write the node's files, each limited to a fixed list."""

from typing import ClassVar

from .call import FAST_S, URGENT_S, NodeCall
from .types import FileInfo


class UploadFileCall(NodeCall[None], frozen=True, kw_only=True):
    """Write one of the cluster's files atomically.

    Attributes:
        file_name: path as on a real node (``/var/lib/ganeti/...``); virtual nodes add their root.
        content: the whole file; Base64 on the wire.
        mode: permission bits; the layout's where the layout names the file.

    Raises: GenericError, the path is not on the list.
    """

    procedure: ClassVar[str] = "upload_file"
    changes: ClassVar[bool] = True

    file_name: str
    content: bytes
    mode: int = 0o600


class WriteSsconfFilesCall(NodeCall[None], frozen=True, kw_only=True):
    """Write ``ssconf_*`` files; other keys than the known ones are refused."""

    procedure: ClassVar[str] = "write_ssconf_files"
    changes: ClassVar[bool] = True

    values: dict[str, str]


class GetFileInfoCall(NodeCall[FileInfo], frozen=True, kw_only=True):
    """What lies at a path."""

    procedure: ClassVar[str] = "get_file_info"
    timeout_s: ClassVar[float] = FAST_S

    file_path: str


class JobqueueUpdateCall(NodeCall[None], frozen=True, kw_only=True):
    """Write exported files of the job queue: ``job-N``, ``archive/M/job-N``, ``serial``, ...

    ``None`` as content removes the file.
    """

    procedure: ClassVar[str] = "jobqueue_update"
    timeout_s: ClassVar[float] = URGENT_S
    changes: ClassVar[bool] = True

    files: dict[str, bytes | None]


class JobqueueListCall(NodeCall[tuple[int, ...]], frozen=True, kw_only=True):
    """Numbers of the jobs with an exported file that is not in the archive."""

    procedure: ClassVar[str] = "jobqueue_list"
    timeout_s: ClassVar[float] = URGENT_S


CALLS = (
    GetFileInfoCall,
    JobqueueListCall,
    JobqueueUpdateCall,
    UploadFileCall,
    WriteSsconfFilesCall,
)
