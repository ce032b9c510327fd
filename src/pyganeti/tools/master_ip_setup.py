"""``master-ip-setup``: configures (``start``) or removes (``stop``) the cluster's address.

Run by noded of the master; a site may put a script of its own in its place. The environment says
what: ``MASTER_NETDEV``, ``MASTER_IP``, ``MASTER_NETMASK``, ``CLUSTER_IP_VERSION``. Source: Ganeti's
script of this name; gnt-cluster(8), ``--use-external-mip-script``.
"""

import ipaddress
import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from typing import Final

from pyganeti.kit.process import Command, ProcessError, run_blocking
from pyganeti.node.master import address_command
from pyganeti.wire.noderpc.node import MasterIpParams

_FAMILY: Final = {4: 2, 6: 10}
_ACTIONS: Final = {"start": "add", "stop": "del"}
_ANNOUNCEMENTS: Final = "3"
_TIMEOUT_S: Final = 10.0


def parse_environment(env: Mapping[str, str]) -> MasterIpParams:
    """The address to configure.

    Raises:
        ValueError: something is missing or nonsense; names it.
    """
    missing = [name for name in ("MASTER_NETDEV", "MASTER_IP", "MASTER_NETMASK") if name not in env]
    if missing:
        raise ValueError(f"not in the environment: {', '.join(missing)}")
    address = ipaddress.ip_address(env["MASTER_IP"])
    netmask = env["MASTER_NETMASK"]
    if not netmask.isdecimal() or int(netmask) > address.max_prefixlen:
        raise ValueError(f"MASTER_NETMASK is {netmask!r}, expected a number of bits")
    if not env["MASTER_NETDEV"] or env["MASTER_NETDEV"].startswith("-"):
        raise ValueError(f"MASTER_NETDEV is {env['MASTER_NETDEV']!r}, expected a device")
    return MasterIpParams(
        ip=str(address),
        netdev=env["MASTER_NETDEV"],
        netmask=int(netmask),
        ip_family=_FAMILY[address.version],
    )


def announce_command(master: MasterIpParams) -> Command | None:
    """Tell the neighbours where the address is now; IPv6 does so by itself."""
    if ":" in master.ip or shutil.which("arping") is None:
        return None
    argv = ("arping", "-q", "-U", "-c", _ANNOUNCEMENTS, "-I", master.netdev, master.ip)
    return Command(argv, timeout_s=_TIMEOUT_S)


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point."""
    words = list(sys.argv[1:] if argv is None else argv)
    if len(words) != 1 or words[0] not in _ACTIONS:
        print("usage: master-ip-setup start|stop", file=sys.stderr)
        return 1
    try:
        master = parse_environment(os.environ)
        run_blocking(address_command(_ACTIONS[words[0]], master))
    except (ValueError, ProcessError) as err:
        print(f"master-ip-setup: {err}", file=sys.stderr)
        return 1
    announcement = announce_command(master) if words[0] == "start" else None
    if announcement is not None:
        try:
            run_blocking(announcement)
        except ProcessError as err:
            # Neighbours find out by themselves, a little later.
            print(f"master-ip-setup: not announced: {err}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
