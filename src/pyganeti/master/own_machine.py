"""What a real machine must have before it can become a master. Reads only; blocking.

Called by ``gnt-cluster init`` before anything is made; a virtual node needs none of it.
Source: gnt-cluster(8) INIT.
"""

import errno
import ipaddress
import socket
from contextlib import suppress
from typing import Final

from pyganeti.kit.files import read_bytes
from pyganeti.kit.process import Command, ProcessError, run_blocking
from pyganeti.model.errors import ECode, OpPrereqError
from pyganeti.model.templates import MIN_VOLUME_GROUP_MIB

# ganeti-noded's: where a cluster has its address, one listens.
_PORT: Final = 1811
_ANSWER_S: Final = 2.0
_DRBD_HELPER: Final = "/sys/module/drbd/parameters/usermode_helper"


def check_machine(node: str, node_ip: str, cluster_ip: str, netdev: str) -> None:
    """Refuse a machine that others could not reach as the master.

    Args:
        node: its full name.
        node_ip: the address of that name.
        cluster_ip: address of the cluster's name.
        netdev: interface that will carry it.

    Raises:
        OpPrereqError: the node's address is not its own, the cluster's is in use, or there is no
            such interface.
    """
    _check_own_address(node, node_ip)
    try:
        socket.if_nametoindex(netdev)
    except OSError as err:
        text = f"network interface {netdev!r} does not exist, choose one with --master-netdev"
        raise OpPrereqError(text, ECode.INVAL) from err
    if _is_in_use(cluster_ip):
        raise OpPrereqError(
            f"cluster address {cluster_ip} is in use: it must be one that no machine has",
            ECode.NOTUNIQUE,
        )


def check_volume_group(name: str) -> None:
    """Refuse a volume group that is not there, or too small for instances.

    Raises:
        OpPrereqError: it is so, or LVM cannot be asked.
    """
    argv = ("vgs", "--noheadings", "--nosuffix", "--units", "m", "-o", "vg_name,vg_size")
    try:
        said = run_blocking(Command(argv)).stdout
    except ProcessError as err:
        raise OpPrereqError(f"LVM cannot be asked: {err}", ECode.ENVIRON) from err
    sizes = dict(line.split() for line in said.splitlines() if line.strip())
    if name not in sizes:
        text = f"volume group {name} does not exist, choose one with --vg-name"
        raise OpPrereqError(text, ECode.INVAL)
    if float(sizes[name]) < MIN_VOLUME_GROUP_MIB:
        text = f"volume group {name} has {float(sizes[name]):.0f} MiB"
        raise OpPrereqError(f"{text}, at least {MIN_VOLUME_GROUP_MIB} are needed", ECode.INVAL)


def check_drbd_helper(wanted: str | None, path: str = _DRBD_HELPER) -> None:
    """Refuse where DRBD would call another program than ``wanted``, or is not there.

    Raises:
        OpPrereqError: ``ECode.ENVIRON`` or ``ECode.INVAL``.
    """
    data = read_bytes(path)
    if data is None:
        text = "the kernel module drbd is not loaded; without it, leave drbd out of"
        raise OpPrereqError(f"{text} --enabled-disk-templates", ECode.ENVIRON)
    found = data.decode("utf-8", "replace").strip()
    if found != wanted:
        text = f"requiring {wanted} as drbd helper but {found} is the current helper"
        raise OpPrereqError(text, ECode.INVAL)


def _check_own_address(node: str, ip: str) -> None:
    if ipaddress.ip_address(ip).is_loopback:
        raise OpPrereqError(
            f"this machine's name {node} stands for {ip}, which other nodes cannot reach: give it"
            " its own address in /etc/hosts or the DNS",
            ECode.ENVIRON,
        )
    try:
        with _new_socket(ip) as probe:
            probe.bind((ip, 0))
    except OSError as err:
        text = f"this machine's name {node} stands for {ip}, which is not an address of it"
        raise OpPrereqError(text, ECode.ENVIRON) from err


def _is_in_use(ip: str) -> bool:
    """Whether a machine with this address answers, be it only to refuse."""
    with _new_socket(ip) as probe:
        probe.settimeout(_ANSWER_S)
        with suppress(OSError):
            return probe.connect_ex((ip, _PORT)) in (0, errno.ECONNREFUSED)
    return False


def _new_socket(ip: str) -> socket.socket:
    family = socket.AF_INET6 if ":" in ip else socket.AF_INET
    return socket.socket(family, socket.SOCK_STREAM)
