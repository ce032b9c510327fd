"""Objects of the configuration as confd tells them: without secrets, since nothing is encrypted."""

from typing import Any, Final

import msgspec

from pyganeti.model.change import AnyObject
from pyganeti.model.cluster import Cluster
from pyganeti.model.codec import encode_object
from pyganeti.model.disk import Disk
from pyganeti.model.enums import DiskTemplate
from pyganeti.model.instance import Instance

REDACTED: Final = "<redacted>"
_SECRET_AT: Final = 5


# Any, here and below: objects as JSON.
def public(obj: AnyObject) -> dict[str, Any]:
    """Any object."""
    if isinstance(obj, Instance):
        return public_instance(obj)
    if isinstance(obj, Disk):
        return public_disk(obj)
    plain = _plain(obj)
    if isinstance(obj, Cluster):
        private = plain["osparams_private_cluster"]
        plain["osparams_private_cluster"] = {os: _hidden(values) for os, values in private.items()}
    return plain


def public_instance(instance: Instance) -> dict[str, Any]:
    """An instance; of its OS's private parameters only the names."""
    plain = _plain(instance)
    if "osparams_private" in plain:
        plain["osparams_private"] = _hidden(plain["osparams_private"])
    return plain


def public_disk(disk: Disk) -> dict[str, Any]:
    """A disk; without the secret that the two ends of DRBD share."""
    return _without_secret(_plain(disk))


def _without_secret(plain: dict[str, Any]) -> dict[str, Any]:
    if plain["dev_type"] == DiskTemplate.DRBD and len(plain["logical_id"]) > _SECRET_AT:
        plain["logical_id"][_SECRET_AT] = REDACTED
    if "children" in plain:
        plain["children"] = [_without_secret(child) for child in plain["children"]]
    return plain


def _plain(obj: AnyObject) -> dict[str, Any]:
    plain: dict[str, Any] = msgspec.json.decode(encode_object(obj))
    return plain


def _hidden(values: dict[str, Any]) -> dict[str, str]:
    return dict.fromkeys(values, REDACTED)
