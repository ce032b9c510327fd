"""The files a master may write on a node: a fixed list, each with owner and mode of the layout.

Paths travel as they are on a real node; a virtual one puts its root in front. Source: layout.json.
"""

import os
import re
import stat
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from pyganeti.kit.files import remove, sync_directory, write_atomic
from pyganeti.kit.identity import group_id, user_id
from pyganeti.kit.paths import Paths
from pyganeti.model.errors import GenericError
from pyganeti.wire.noderpc.types import FileInfo

SSCONF_KEYS: Final = frozenset(
    {
        "cluster_name",
        "cluster_tags",
        "enabled_user_shutdown",
        "file_storage_dir",
        "gluster_storage_dir",
        "hvparams_chroot",
        "hvparams_fake",
        "hvparams_kvm",
        "hvparams_lxc",
        "hvparams_xen-hvm",
        "hvparams_xen-pvm",
        "hypervisor_list",
        "instance_list",
        "maintain_node_health",
        "master_candidates",
        "master_candidates_certs",
        "master_candidates_ips",
        "master_ip",
        "master_netdev",
        "master_netmask",
        "master_node",
        "networks",
        "node_list",
        "node_primary_ips",
        "node_secondary_ips",
        "node_vm_capable",
        "nodegroups",
        "offline_nodes",
        "online_nodes",
        "primary_ip_family",
        "release_version",
        "shared_file_storage_dir",
        "ssh_ports",
        "uid_pool",
    }
)
_SSCONF_MODE: Final = 0o444
_QUEUE_FILE: Final = re.compile(r"job-[0-9]+|archive/[0-9]+/job-[0-9]+|serial|version|drain|lock")
_QUEUE_MODE: Final = 0o640
_MASTER: Final = ("gnt-masterd", "gnt-masterd")
_ROOT: Final = ("root", "root")


@dataclass(frozen=True, slots=True)
class Place:
    """A file's owner and mode; ``mode`` is ``None`` where the sender says it."""

    mode: int | None
    user: str
    group: str


_QUEUE_PLACE: Final = Place(_QUEUE_MODE, "gnt-masterd", "gnt-daemons")


def places(paths: Paths) -> dict[str, Place]:
    """Every file that may be uploaded, by its path here."""
    return {
        paths.config_file: Place(0o640, "gnt-masterd", "gnt-confd"),
        paths.server_pem: Place(0o440, *_MASTER),
        paths.client_pem: Place(0o440, *_MASTER),
        paths.ca_cert: Place(0o444, *_ROOT),
        # Root signs certificates; the master's daemon hands the key to new candidates.
        paths.ca_key: Place(0o440, "root", "gnt-masterd"),
        paths.rapi_pem: Place(0o440, "gnt-rapi", "gnt-masterd"),
        paths.spice_pem: Place(0o440, "root", "gnt-masterd"),
        paths.spice_ca_pem: Place(0o440, "root", "gnt-masterd"),
        paths.hmac_key: Place(0o440, "gnt-confd", "gnt-masterd"),
        paths.domain_secret: Place(0o640, *_MASTER),
        paths.known_hosts: Place(0o644, *_MASTER),
        paths.watcher_pause: Place(0o644, *_MASTER),
        paths.rapi_users: Place(0o640, "gnt-rapi", "gnt-masterd"),
        paths.vnc_password_file: Place(None, *_ROOT),
        paths.etc_hosts: Place(0o644, *_ROOT),
    }


def _is_so(path: str, content: bytes, mode: int) -> bool:
    """Whether the file is there, with that content and mode."""
    try:
        status = os.lstat(path)
        if not stat.S_ISREG(status.st_mode) or stat.S_IMODE(status.st_mode) != mode:
            return False
        with open(path, "rb") as file:
            return file.read(len(content) + 1) == content
    except OSError:
        return False


class NodeFiles:
    """Writes the files of one node. Blocking: call it in a thread."""

    def __init__(self, paths: Paths) -> None:
        self._paths = paths
        self._places = places(paths)

    def local(self, path: str) -> str:
        """Where ``path`` of a real node lies here."""
        root = self._paths.rootdir
        return path if not root or path.startswith(f"{root}/") else root + path

    def upload(self, path: str, content: bytes, mode: int) -> None:
        """Replace the file ``path``; one that is so already stays as it is.

        Raises:
            GenericError: it is not on the list.
            OSError: nothing was changed.
        """
        place = self._places.get(self.local(path))
        if place is None:
            raise GenericError(f"{path} is not a file that may be uploaded")
        os.makedirs(os.path.dirname(self.local(path)), 0o755, exist_ok=True)
        if not _is_so(self.local(path), content, mode if place.mode is None else place.mode):
            self._write(self.local(path), content, place, mode)

    def write_ssconf(self, values: dict[str, str]) -> None:
        """Write ``ssconf_*`` files.

        Raises:
            GenericError: a key is unknown; nothing was changed.
            OSError: some may have been written.
        """
        unknown = sorted(set(values) - SSCONF_KEYS)
        if unknown:
            raise GenericError(f"unknown ssconf keys: {', '.join(unknown)}")
        for key, value in sorted(values.items()):
            text = value if not value or value.endswith("\n") else f"{value}\n"
            path = self._paths.ssconf(key)
            write_atomic(path, text.encode("utf-8"), mode=_SSCONF_MODE)

    def write_queue(self, files: dict[str, bytes | None]) -> None:
        """Write or remove files of the job queue.

        Those of archived jobs are durable.

        Raises:
            GenericError: a name is none of the queue's; nothing was changed.
            OSError: some may have been written.
        """
        for name in files:
            if not _QUEUE_FILE.fullmatch(name):
                raise GenericError(f"{name!r} is no file of the job queue")
        written = {name: content for name, content in files.items() if content is not None}
        archives = set()
        uid, gid = self._owner(_QUEUE_PLACE)
        for name, content in written.items():
            path = f"{self._paths.queue_dir}/{name}"
            self._make_directory(os.path.dirname(path), uid, gid)
            # Nobody looks at archived ones again; all others are brought once more when they
            # may have suffered.
            is_archived = name.startswith("archive/")
            if is_archived:
                archives.add(os.path.dirname(path))
            write_atomic(
                path,
                content,
                mode=_QUEUE_MODE,
                uid=uid,
                gid=gid,
                durable=is_archived,
                name_later=True,
            )
        for directory in archives:
            sync_directory(directory)
        # At last: a job has one file too many rather than none.
        for name in files.keys() - written.keys():
            remove(f"{self._paths.queue_dir}/{name}")

    def list_queue(self) -> tuple[int, ...]:
        """Numbers of the jobs that have a file outside of the archive."""
        return tuple(self._paths.job_files())

    def info(self, path: str) -> FileInfo:
        """What lies at ``path``; links are followed."""
        try:
            status = os.stat(self.local(path))
        except OSError:
            return FileInfo(exists=False)
        return FileInfo(
            exists=True,
            size=status.st_size,
            mode=stat.S_IMODE(status.st_mode),
            uid=status.st_uid,
            gid=status.st_gid,
            mtime=status.st_mtime,
            is_regular=stat.S_ISREG(status.st_mode),
        )

    def _write(self, path: str, content: bytes, place: Place, mode: int) -> None:
        uid, gid = self._owner(place)
        write_atomic(
            path, content, mode=mode if place.mode is None else place.mode, uid=uid, gid=gid
        )

    def _make_directory(self, path: str, uid: int, gid: int) -> None:
        """Make a directory of jobs, in which the master's daemon may write one day."""
        if not os.path.isdir(path):
            self._make_directory(os.path.dirname(path), uid, gid)
            with suppress(FileExistsError):
                os.mkdir(path, 0o750)
            os.chown(path, uid, gid, follow_symlinks=False)

    def _owner(self, place: Place) -> tuple[int, int]:
        """Owner and group ids; root's where the machine has no such user (no separation set up)."""
        if self._paths.is_virtual or os.geteuid() != 0:
            return -1, -1
        return max(user_id(place.user), 0), max(group_id(place.group), 0)
