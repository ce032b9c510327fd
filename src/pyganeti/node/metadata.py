"""What the metadata daemon of this node may tell each guest, in a file for each interface.

    noded, once a guest is connected -> RUN/metadata/<interface>.json -> ganeti-metad, when asked

The file is what the daemon knows: nothing is told to it, so that it may be started, ended and
restarted at any time. An interface that is gone makes its file mean nothing; the next guest that
gets an interface of that name replaces it. Source: docs/design/0016-communication.md.
"""

import logging
import os
import socket
from collections.abc import Iterator, Mapping
from typing import Final

import msgspec

from pyganeti.kit.files import read_bytes, remove, write_atomic
from pyganeti.kit.process import ProcessError, Runner
from pyganeti.kit.threads import in_thread
from pyganeti.model.errors import GenericError, NetworkError
from pyganeti.node.daemons import daemons_command
from pyganeti.node.network.interfaces import interface_number
from pyganeti.wire.noderpc.specs import InstanceSpec, ScriptSpec

DAEMON: Final = "ganeti-metad"
PUBLIC: Final = "public"
PRIVATE: Final = "private"
SECRET: Final = "secret"  # noqa: S105 - a word, and no secret
_SUFFIX: Final = ".json"
# It holds private OS parameters.
_MODE: Final = 0o640
_DIRECTORY_MODE: Final = 0o750

_log = logging.getLogger(__name__)


class GuestRecord(msgspec.Struct, frozen=True, kw_only=True):
    """What a guest is told.

    Attributes:
        name, uuid: of the instance.
        os: ``name`` or ``name+variant``; empty for none.
        parameters: of the OS, each with its value and ``public``, ``private`` or ``secret``.
        run: of the script that it is there for, if it is a helper; else empty.
        environment: of that script.
    """

    name: str
    uuid: str
    os: str
    parameters: Mapping[str, tuple[str, str]]
    run: str = ""
    environment: Mapping[str, str] = msgspec.field(default_factory=dict)


def record_of(instance: InstanceSpec) -> GuestRecord:
    """What ``instance`` may know of itself."""
    kinds = ((PUBLIC, instance.osparams), (PRIVATE, instance.osparams_private))
    parameters = {
        name: (str(value), kind) for kind, values in kinds for name, value in values.items()
    }
    record = GuestRecord(
        name=instance.name, uuid=instance.uuid, os=instance.os, parameters=parameters
    )
    return record if instance.script is None else _for_script(record, instance.script)


def _for_script(record: GuestRecord, script: ScriptSpec) -> GuestRecord:
    secret = {name: (record.parameters[name][0], SECRET) for name in script.secret}
    return msgspec.structs.replace(
        record,
        parameters={**record.parameters, **secret},
        run=script.run,
        environment=script.environment,
    )


class GuestRecords:
    """The files, by interface.

    Args:
        directory: where they are; made when first needed.
    """

    def __init__(self, directory: str) -> None:
        self.directory = directory

    def put(self, interface: str, instance: InstanceSpec) -> None:
        """Record what the guest behind ``interface`` is told.

        Raises:
            OSError: it cannot be written.
        """
        os.makedirs(self.directory, mode=_DIRECTORY_MODE, exist_ok=True)
        data = msgspec.json.encode(record_of(instance))
        # The daemon that reads it is in the directory's group.
        gid = os.stat(self.directory).st_gid
        write_atomic(self._path(interface), data, mode=_MODE, gid=gid, durable=False)

    def drop(self, interface: str) -> None:
        """Forget it; one that is not there is fine."""
        remove(self._path(interface))

    def find(self, interface: str) -> GuestRecord | None:
        """What the guest behind ``interface`` is told, if it may know anything.

        Raises:
            GenericError: the file is damaged.
        """
        data = read_bytes(self._path(interface))
        try:
            return None if data is None else msgspec.json.decode(data, type=GuestRecord)
        except msgspec.DecodeError as err:
            raise GenericError(f"{self._path(interface)}: {err}") from err

    def interfaces(self) -> Iterator[str]:
        """Interfaces that have a file."""
        try:
            names = os.listdir(self.directory)
        except FileNotFoundError:
            return
        yield from (name.removesuffix(_SUFFIX) for name in names if name.endswith(_SUFFIX))

    def drop_unused(self) -> None:
        """Forget guests whose interface is gone; what their records hold may be secret."""
        for interface in tuple(self.interfaces()):
            if interface_number(interface) is None:
                self.drop(interface)

    def _path(self, interface: str) -> str:
        return f"{self.directory}/{interface}{_SUFFIX}"


class MetadataService:
    """noded's side of the metadata daemon: tells it of guests, and starts it for the first.

    Args:
        records: where it finds them.
        socket_path: of the daemon, where it shows that it lives.
        runner: starts it.
    """

    def __init__(self, records: GuestRecords, socket_path: str, runner: Runner) -> None:
        self._records = records
        self._socket_path = socket_path
        self._run = runner

    async def tell(self, interface: str, instance: InstanceSpec) -> None:
        """Let the guest behind ``interface`` ask about ``instance``.

        A guest does not stay down because the daemon does: the log says what is wrong with that.

        Raises:
            NetworkError: its record cannot be written.
        """
        try:
            await in_thread(self._records.put, interface, instance)
        except OSError as err:
            text = f"metadata of instance {instance.name}: {self._records.directory}"
            raise NetworkError(f"{text}: {err.strerror}") from err
        if await in_thread(_listens, self._socket_path):
            return
        try:
            await self._run(daemons_command("start", DAEMON))
        except ProcessError as err:
            _log.error("instance %s gets no metadata: %s", instance.name, err)

    async def forget(self, interface: str) -> None:
        """Tell the guest behind ``interface`` nothing any more."""
        await in_thread(self._records.drop, interface)


def _listens(path: str) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(path)
        except OSError:
            return False
    return True
