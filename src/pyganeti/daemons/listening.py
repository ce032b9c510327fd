"""Where a daemon of a node listens."""

from pyganeti.kit.paths import Paths
from pyganeti.kit.resolver import UnknownHost, ip_version, own_hostname, resolve
from pyganeti.model.errors import ConfigurationError


def default_address(paths: Paths) -> str:
    """Where to listen: a virtual node on its own address, a real one on all.

    Raises:
        ConfigurationError: a virtual node's name is not in its hosts file.
    """
    if not paths.is_virtual:
        return "::" if ip_version(paths) == 6 else "0.0.0.0"  # noqa: S104
    try:
        return resolve(paths, own_hostname(paths))[1]
    except UnknownHost as err:
        raise ConfigurationError(f"own address of {paths.hostname}: {err}") from err
