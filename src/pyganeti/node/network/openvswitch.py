"""Commands for ``ovs-vsctl``. Pure; tested on a running Open vSwitch.

A port is an entry in the switch's database, so it outlives its interface and even the machine's
boot: the next interface of that name, a NIC of another guest, would join the old one's switch.
Hence every NIC of a guest, however connected, first has its name forgotten here. Source:
ovs-vsctl(8), ovs-vswitchd.conf.db(5).
"""

import shutil
from typing import Final

from pyganeti.kit.process import Command
from pyganeti.wire.noderpc.specs import NicSpec

PROGRAM: Final = "ovs-vsctl"
_TIMEOUT_S: Final = 15


def is_installed() -> bool:
    """Whether the node could have ports at all."""
    return shutil.which(PROGRAM) is not None


def _transaction(*words: str, ok_codes: frozenset[int] = frozenset({0})) -> Command:
    """One transaction; it waits until the switch works as it says, but not for ever."""
    return Command((PROGRAM, f"--timeout={_TIMEOUT_S}", *words), ok_codes=ok_codes)


def forget_command(name: str) -> Command:
    """Forget the port ``name`` in whatever switch it is; none at all is a success."""
    return _transaction("--if-exists", "del-port", name, ok_codes=frozenset({0, 1}))


def port_command(name: str, nic: NicSpec) -> Command:
    """Make interface ``name`` a port of the switch ``nic.link``, in the NIC's VLANs and no others.

    Ports are marked so that ``ovs-ctl --delete-transient-ports`` can sweep them up at boot.
    """
    forget = ("--if-exists", "del-port", name)
    add = ("add-port", nic.link, name, *_vlan_columns(nic.vlan))
    mark = ("set", "Port", name, "other_config:transient=true")
    return _transaction(*forget, "--", *add, "--", *mark)


def _vlan_columns(vlan: str) -> tuple[str, ...]:
    """VLANs of a port: ``10``, ``.10`` untagged, ``.10:20`` also tagged, ``:20:30`` tagged only."""
    untagged, *tagged = vlan.lstrip(".").split(":")
    trunks = (f"trunks={','.join(tagged)}",) if tagged else ()
    if untagged and tagged:
        return (f"tag={untagged}", *trunks, "vlan_mode=native-untagged")
    return (f"tag={untagged}",) if untagged else trunks


def switch_command(name: str, link: str) -> Command:
    """Make the switch ``name``, with the interface ``link`` as a port if there is one."""
    port = ("--", "--may-exist", "add-port", name, link) if link else ()
    return _transaction("--may-exist", "add-br", name, *port)


def up_command(name: str) -> Command:
    """Set interface ``name`` up, which the switch leaves to others."""
    return Command(("ip", "link", "set", "dev", name, "up"))
