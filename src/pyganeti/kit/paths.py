"""Where everything lies on a node, real or virtual.

Called by every program at start: ``Paths.from_env(os.environ)``. With ``GANETI_ROOTDIR`` set, every
path lies below it and the program acts as the virtual node ``GANETI_HOSTNAME``. Standard library
only, and cheap to import: commands use it.

Source: the on-disk layout and path constants of Ganeti; its virtual clusters.
"""

import os
from collections.abc import Mapping
from typing import Final

_LIB: Final = "/var/lib/ganeti"
_RUN: Final = "/var/run/ganeti"
_LOG: Final = "/var/log/ganeti"
_CONF: Final = "/etc/ganeti"
_PKGLIB: Final = "/usr/lib/ganeti"

# Linux's sun_path holds 108 bytes with the closing zero.
MAX_SOCKET_PATH: Final = 107


class Paths:
    """Paths of one node. Immutable by convention; every attribute is an absolute path.

    Args:
        rootdir: directory of a virtual node, or ``""`` on a real one.
        hostname: name of a virtual node, or ``""`` on a real one.
    """

    def __init__(self, rootdir: str = "", hostname: str = "") -> None:
        self.rootdir = rootdir.rstrip("/")
        self.hostname = hostname
        root = self.rootdir
        self.data_dir = root + _LIB
        self.run_dir = root + _RUN
        self.log_dir = root + _LOG
        self.conf_dir = root + _CONF
        self.pkglib_dir = root + _PKGLIB
        # Versions of the code on this node, and the one it works with.
        self.versions_dir = root + "/usr/lib/pyganeti"
        self.version_link = self.conf_dir + "/lib"
        self.etc_hosts = root + "/etc/hosts"
        self.lock_dir = root + "/var/lock"

        self.config_file = self.data_dir + "/config.data"
        self.database = self.data_dir + "/cluster.db"
        self.epoch_file = self.data_dir + "/epoch"
        self.queue_dir = self.data_dir + "/queue"
        self.archive_dir = self.queue_dir + "/archive"
        self.server_pem = self.data_dir + "/server.pem"
        self.client_pem = self.data_dir + "/client.pem"
        self.ca_cert = self.data_dir + "/ca.pem"
        self.ca_key = self.data_dir + "/ca.key"
        self.ca_next = self.data_dir + "/ca-next.pem"
        self.rapi_pem = self.data_dir + "/rapi.pem"
        self.spice_pem = self.data_dir + "/spice.pem"
        self.spice_ca_pem = self.data_dir + "/spice-ca.pem"
        self.hmac_key = self.data_dir + "/hmac.key"
        self.domain_secret = self.data_dir + "/cluster-domain-secret"
        self.known_hosts = self.data_dir + "/known_hosts"
        self.rapi_users = self.data_dir + "/rapi/users"
        self.export_dir = self.data_dir + "/export"
        self.helper_dir = self.data_dir + "/helpers"
        self.watcher_pause = self.data_dir + "/watcher.pause"
        self.watcher_lock = self.lock_dir + "/ganeti-watcher.lock"
        self.upgrade_intent = self.data_dir + "/intent-to-upgrade"
        self.instance_status = self.data_dir + "/instance-status"

        self.socket_dir = self.run_dir + "/socket"
        self.master_socket = self.socket_dir + "/ganeti-master"
        self.query_socket = self.socket_dir + "/ganeti-query"
        self.metad_socket = self.socket_dir + "/ganeti-metad"
        self.disk_links_dir = self.run_dir + "/instance-disks"
        self.instance_reason_dir = self.run_dir + "/instance-reason"
        self.metadata_dir = self.run_dir + "/metadata"
        self.kvm_dir = self.run_dir + "/kvm-hypervisor"
        self.extstorage_dir = self.run_dir + "/extstorage"
        self.fake_dir = self.run_dir + "/fake-hypervisor"
        self.task_dir = self.run_dir + "/tasks"
        self.transfer_dir = self.run_dir + "/transfers"
        self.crypto_dir = self.run_dir + "/crypto"
        self.allocator_dir = self.run_dir + "/iallocator"

        self.log_os_dir = self.log_dir + "/os"
        self.log_extstorage_dir = self.log_dir + "/extstorage"
        self.log_kvm_dir = self.log_dir + "/kvm"

        self.file_storage_paths = self.conf_dir + "/file-storage-paths"
        self.hooks_dir = self.conf_dir + "/hooks"
        self.restricted_dir = self.conf_dir + "/restricted-commands"
        self.vnc_password_file = self.conf_dir + "/vnc-cluster-password"
        self.default_file_storage_dir = root + "/srv/ganeti/file-storage"
        self.default_shared_file_storage_dir = root + "/srv/ganeti/shared-file-storage"

        self.ssh_dir = root + "/root/.ssh"
        self.ssh_host_dir = root + "/etc/ssh"

        self.kvm_ifup = self.conf_dir + "/kvm-vif-bridge"

    @classmethod
    def from_env(cls, env: Mapping[str, str] = os.environ) -> "Paths":
        """The node this process acts as.

        Raises:
            ValueError: ``GANETI_ROOTDIR`` is not absolute, its last part is not the host name, or
                it is so long that sockets below it cannot be reached.
        """
        rootdir = env.get("GANETI_ROOTDIR", "").rstrip("/")
        hostname = env.get("GANETI_HOSTNAME", "")
        if not rootdir:
            if hostname:
                raise ValueError("GANETI_HOSTNAME is set but GANETI_ROOTDIR is not")
            return cls()
        if not os.path.isabs(rootdir) or os.path.normpath(rootdir) != rootdir:
            raise ValueError(f"GANETI_ROOTDIR {rootdir!r} is not a normalized absolute path")
        hostname = hostname or os.path.basename(rootdir)
        if os.path.basename(rootdir) != hostname:
            raise ValueError(
                f"the last part of GANETI_ROOTDIR {rootdir!r} must be the host name {hostname!r}"
            )
        paths = cls(rootdir, hostname)
        if len(os.fsencode(paths.master_socket)) > MAX_SOCKET_PATH:
            raise ValueError(
                f"GANETI_ROOTDIR {rootdir!r} is too long: socket paths below it would exceed"
                f" {MAX_SOCKET_PATH} bytes; use a shorter directory"
            )
        return paths

    @property
    def certificates(self) -> tuple[str, ...]:
        """The files of a node that hold certificates, some of them with keys."""
        own = (self.ca_cert, self.server_pem, self.client_pem)
        return (*own, self.rapi_pem, self.spice_pem, self.spice_ca_pem)

    @property
    def is_virtual(self) -> bool:
        """Whether this is a virtual node under a directory."""
        return bool(self.rootdir)

    def ssconf(self, key: str) -> str:
        """The file that holds the value ``key`` for scripts."""
        return f"{self.data_dir}/ssconf_{key}"

    def log_file(self, base: str) -> str:
        """The log file of the daemon whose log base name is ``base`` (``node-daemon``)."""
        return f"{self.log_dir}/{base}.log"

    def watcher_state(self, group: str) -> str:
        """What the watcher remembers of the node group with that UUID."""
        return f"{self.data_dir}/watcher.{group}.data"

    def watcher_group_lock(self, group: str) -> str:
        """Held by the watcher of that group."""
        return f"{self.lock_dir}/ganeti-watcher-{group}.lock"

    def watcher_status(self, group: str) -> str:
        """The states of a group's instances, as the watcher saw them last."""
        return f"{self.data_dir}/watcher.{group}.instance-status"

    def pid_file(self, daemon: str) -> str:
        """The pid file of ``daemon`` (``ganeti-noded``)."""
        return f"{self.run_dir}/{daemon}.pid"

    def os_search_path(self) -> tuple[str, ...]:
        """Directories of OS definitions, first match wins.

        A virtual node looks below its own root first and then at the machine's, so that the OS
        definitions a distribution packages serve virtual nodes too.
        """
        return self._search_path("os")

    def allocator_search_path(self) -> tuple[str, ...]:
        """Directories of allocators, as :meth:`os_search_path`."""
        places = ("/usr/local/lib/ganeti/iallocators", "/usr/lib/ganeti/iallocators")
        return tuple(self.rootdir + place for place in places) + places if self.rootdir else places

    def provider_search_path(self) -> tuple[str, ...]:
        """Directories of external storage providers, as :meth:`os_search_path`."""
        return self._search_path("extstorage")

    def _search_path(self, what: str) -> tuple[str, ...]:
        tops = ("/srv/ganeti", "/usr/local/lib/ganeti", "/usr/lib/ganeti", "/usr/share/ganeti")
        places = tuple(f"{top}/{what}" for top in tops)
        return tuple(self.rootdir + place for place in places) + places if self.rootdir else places

    def job_file(self, job_id: int) -> str:
        """The exported file of an unarchived job."""
        return f"{self.queue_dir}/job-{job_id}"

    def job_files(self) -> list[int]:
        """Ids of the jobs that have an exported file outside of the archive."""
        try:
            names = os.listdir(self.queue_dir)
        except FileNotFoundError:
            return []
        ids = (name.removeprefix("job-") for name in names if name.startswith("job-"))
        return sorted(int(text) for text in ids if text.isdecimal())

    def state_dirs(self) -> list[str]:
        """The directories with the cluster's state and its exported files."""
        try:
            with os.scandir(self.archive_dir) as entries:
                archives = [entry.path for entry in entries if entry.is_dir(follow_symlinks=False)]
        except FileNotFoundError:
            archives = []
        return [self.data_dir, self.queue_dir, *archives]

    def archived_job_file(self, job_id: int) -> str:
        """The exported file of an archived job; 10 000 jobs share a directory."""
        return f"{self.archive_dir}/{job_id // 10000}/job-{job_id}"
