"""``config.data`` as a file of JSON, for the programs that work on it while no master does.

file -> JSON of any version -> changed -> checked -> the file again, the old one kept beside it
"""

import os
from typing import Any, Final

import msgspec

from pyganeti.kit.clock import now, timestamp_text
from pyganeti.kit.files import read_bytes, write_atomic
from pyganeti.kit.nesting import is_too_deep
from pyganeti.model.checks import verify_config
from pyganeti.model.codec import decode_config
from pyganeti.model.errors import ConfigurationError
from pyganeti.model.view import ClusterView

_MODE: Final = 0o640
_BACKUP_MODE: Final = 0o600

# Any, here and below: JSON of any version.
Config = dict[str, Any]


def read_config(path: str) -> Config:
    """The configuration in the file ``path``, of whatever version.

    Raises:
        ConfigurationError: there is no such file, or it is no JSON object.
        OSError: it cannot be read.
    """
    data = read_bytes(path)
    if data is None:
        raise ConfigurationError(f"there is no {path}")
    return decoded(data, path)


def decoded(data: bytes, path: str) -> Config:
    """``data``, which was read from ``path``.

    Raises:
        ConfigurationError: it is no JSON object.
    """
    if is_too_deep(data):
        raise ConfigurationError(f"{path} is not readable: nested too deeply")
    try:
        return msgspec.json.decode(data, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError) as err:
        raise ConfigurationError(f"{path} is not readable: {err}") from err


def replace_config(path: str, config: Config) -> str:
    """Put ``config`` in the place of the file ``path``; where the old one is kept.

    Its owner stays. All of it is written, or nothing.

    Raises:
        OSError: it is as it was.
    """
    backup = f"{path}.backup-{timestamp_text(now())}.{os.getpid()}"
    write_atomic(backup, read_bytes(path) or b"", mode=_BACKUP_MODE)
    found = os.stat(path)
    data = msgspec.json.encode(config)
    write_atomic(path, data, mode=_MODE, uid=found.st_uid, gid=found.st_gid)
    return backup


def problems(config: Config) -> list[str]:
    """How a configuration of our version contradicts itself.

    Raises:
        ConfigurationError: it cannot be read at all; names the object.
    """
    return verify_config(ClusterView.from_config(decode_config(msgspec.json.encode(config))))
