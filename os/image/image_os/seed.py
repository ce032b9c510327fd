"""The seed of cloud-init on a disk of its own (NoCloud): who the guest is, and what it is to do.

It may hold secrets: none of it is ever printed. Source: cloud-init's documentation, NoCloud and
network configuration version 2.
"""

import ipaddress
import json
import os
import sys
from collections.abc import Mapping
from typing import Any

import fat
from errors import Refused
from settings import Settings, disk_path, size_of

_LABEL = "CIDATA"
_MIB = 1 << 20


def write_seed(settings: Settings, env: Mapping[str, str]) -> None:
    """Write the seed to its disk, if it has one. As :func:`make_seed`."""
    made = make_seed(settings, env)
    if made is None:
        return
    path, content = made
    with open(path, "r+b") as disk:
        disk.write(content)
        disk.flush()
        os.fsync(disk.fileno())
    print(f"image: the seed was written to {path}", file=sys.stderr)


def make_seed(settings: Settings, env: Mapping[str, str]) -> tuple[str, bytes] | None:
    """Path of the seed's disk, and what it is to begin with; ``None`` without a seed.

    Raises:
        Refused: there is no such disk, or it is too small; or the files are too large.
    """
    if settings.seed_disk is None:
        return None
    path = disk_path(env, settings.seed_disk)
    if size_of(path) < fat.SIZE:
        text = f"disk {settings.seed_disk} is too small"
        raise Refused(f"{text}: a seed needs {fat.SIZE // _MIB} MiB")
    return path, fat.file_system(_LABEL, seed_files(settings, env))


def seed_files(settings: Settings, env: Mapping[str, str]) -> dict[str, bytes]:
    """Files of the seed with their content."""
    texts = {"meta-data": _meta_data(settings, env), "user-data": _user_data(settings, env)}
    if settings.network_config == "auto":
        texts["network-config"] = _dumped(network_config(env))
    elif settings.network_config != "none":
        texts["network-config"] = settings.network_config
    return {name: text.encode("utf-8", "surrogateescape") for name, text in texts.items()}


def _name(settings: Settings, env: Mapping[str, str]) -> str:
    return settings.hostname or env.get("INSTANCE_NAME", "")


def _dumped(value: object) -> str:
    # JSON is YAML, and needs no library; nothing in a value can be taken for more than a value.
    return json.dumps(value, indent=1) + "\n"


def _meta_data(settings: Settings, env: Mapping[str, str]) -> str:
    # The same as long as the instance lives: what is done once is not done again after a rename.
    identity = env.get("INSTANCE_UUID") or env.get("INSTANCE_NAME", "")
    lines = [f"instance-id: {identity}", f"local-hostname: {_name(settings, env)}"]
    return "\n".join([*lines, settings.meta_data, ""] if settings.meta_data else [*lines, ""])


def _user_data(settings: Settings, env: Mapping[str, str]) -> str:
    if settings.user_data:
        return settings.user_data
    if settings.user_data_file:
        try:
            with open(settings.user_data_file, encoding="utf-8", errors="surrogateescape") as file:
                return file.read()
        except OSError as err:
            raise Refused(f"user_data_file: {err.strerror}") from err
    host, _, domain = _name(settings, env).partition(".")
    made: dict[str, Any] = {"hostname": host, "manage_etc_hosts": True}
    if domain:
        made["fqdn"] = f"{host}.{domain}"
    if settings.ssh_keys:
        made["ssh_authorized_keys"] = list(settings.ssh_keys)
    return "#cloud-config\n" + _dumped(made)


def network_config(env: Mapping[str, str]) -> dict[str, Any]:
    """Addresses of the instance's NICs; one without an address asks for one by DHCP."""
    nics = range(int(env.get("NIC_COUNT") or 0))
    return {"version": 2, "ethernets": {f"nic{number}": _nic(env, number) for number in nics}}


def _nic(env: Mapping[str, str], number: int) -> dict[str, Any]:
    def get(name: str) -> str:
        return env.get(f"NIC_{number}_{name}", "")

    found: dict[str, Any] = {"match": {"macaddress": get("MAC").lower()}}
    if not get("IP"):
        return {**found, "dhcp4": True}
    address = ipaddress.ip_address(get("IP"))
    six = "6" if address.version == 6 else ""
    subnet, gateway = get(f"NETWORK_SUBNET{six}"), get(f"NETWORK_GATEWAY{six}")
    prefix = ipaddress.ip_network(subnet).prefixlen if subnet else address.max_prefixlen
    found["addresses"] = [f"{address}/{prefix}"]
    if gateway:
        default = "::/0" if six else "0.0.0.0/0"
        found["routes"] = [{"to": default, "via": gateway}]
    return found
