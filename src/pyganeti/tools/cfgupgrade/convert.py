"""A configuration of another version to this one's, or this one's to the one before. Pure.

JSON of config.data -> upgraded | downgraded -> JSON of config.data
"""

import copy
from typing import Final

import msgspec

from pyganeti.kit.ids import Ids
from pyganeti.model.codec import decode_config, encode_config
from pyganeti.model.errors import ConfigurationError
from pyganeti.model.versions import CONFIG_VERSION, PREVIOUS_CONFIG_VERSION

from . import objects, settings
from .objects import Config

OLDEST: Final = 2_070_000
# What test versions of Ganeti had, and no stable one.
_DROPPED: Final = ("maintenance", "incidents")


def version_text(version: int) -> str:
    """A configuration's version for people."""
    return f"{version // 1_000_000}.{version // 10_000 % 100}.{version % 10_000}"


def check_version(config: Config, *, downgrade: bool) -> None:
    """Make sure that this is a configuration that can be converted.

    Raises:
        ConfigurationError: it is none, or of a version that cannot.
    """
    version = config.get("version")
    if not isinstance(version, int) or isinstance(version, bool):
        raise ConfigurationError("this is no configuration: it has no version")
    if downgrade and version != CONFIG_VERSION:
        raise ConfigurationError(
            f"only version {version_text(CONFIG_VERSION)} can be downgraded, found"
            f" {version_text(version)}"
        )
    if not OLDEST <= version < CONFIG_VERSION + 10_000:
        raise ConfigurationError(
            f"version {version_text(version)} is not supported: this program reads"
            f" {version_text(OLDEST)} to {version_text(CONFIG_VERSION)}"
        )


def upgraded(config: Config, ids: Ids, now: float) -> Config:
    """``config`` as this version writes it; of one of this version the same.

    Args:
        config: of a version that :func:`check_version` accepts; it is left alone.
        ids: for objects that had no UUID.
        now: for objects that had no time.

    Raises:
        ConfigurationError: something is missing that every version has, or is of a wrong type;
            names the object.
    """
    new = copy.deepcopy(config)
    try:
        _upgrade(new, ids, now)
        new = _as_written(new)
        if new != config:
            new["serial_no"] += 1
            new["mtime"] = now
    except KeyError as err:
        raise ConfigurationError(f"the configuration is not complete: no {err}") from err
    except (TypeError, AttributeError, IndexError, ValueError) as err:
        raise ConfigurationError(f"the configuration is not readable: {err}") from err
    return new


def _upgrade(new: Config, ids: Ids, now: float) -> None:
    for name in ("networks", "filters"):
        new.setdefault(name, {})
    for name in _DROPPED:
        new.pop(name, None)
    objects.key_nodes_by_uuid(new)
    objects.key_instances_by_uuid(new)
    objects.complete_instances(new, ids)
    objects.part_disks(new, ids, now)
    settings.complete_cluster(new)
    settings.enable_disk_templates(new)
    settings.complete_parameters(new)
    settings.pair_limits(new)
    settings.replace_values(new)
    new["version"] = CONFIG_VERSION


def _as_written(config: Config) -> Config:
    """As the master writes it, which names what is empty."""
    data = encode_config(decode_config(msgspec.json.encode(config)))
    return msgspec.json.decode(data, type=Config)


def downgraded(config: Config) -> Config:
    """``config`` as the version before this one reads it.

    Raises:
        ConfigurationError: it uses what only this implementation has; names it.
    """
    new = copy.deepcopy(config)
    try:
        _check_foreign(new)
        for hypervisor, values in settings.every_hvparams(new):
            if hypervisor == "kvm" and values.get("disk_aio") == "io_uring":
                values["disk_aio"] = "threads"
        for hypervisor in ("xen-pvm", "xen-hvm"):
            new["cluster"]["hvparams"].setdefault(hypervisor, {}).setdefault("xen_cmd", "xl")
    except (KeyError, TypeError, AttributeError) as err:
        raise ConfigurationError(f"the configuration is not readable: {err}") from err
    new["version"] = PREVIOUS_CONFIG_VERSION
    return new


def _check_foreign(config: Config) -> None:
    for instance in config["instances"].values():
        own = settings.own_parameters(instance["hypervisor"]) & instance["hvparams"].keys()
        if own:
            raise ConfigurationError(
                f"instance {instance['name']} has {', '.join(sorted(own))}, which Ganeti does not"
                " know: its guest could not be started; take the parameters away or move it first"
            )
    for hypervisor, values in settings.every_hvparams(config):
        for name in settings.own_parameters(hypervisor):
            values.pop(name, None)
