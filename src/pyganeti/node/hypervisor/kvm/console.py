"""How to reach a guest's console. Pure. Source: gnt-instance(8) console, console object."""

import sys
from ipaddress import ip_address

from pyganeti.wire.noderpc.guests import ConsoleInfo
from pyganeti.wire.noderpc.specs import InstanceSpec

from .display import ANY_ADDRESS, vnc_display, vnc_socket
from .layout import GuestPaths


def serial_command(paths: GuestPaths) -> tuple[str, ...]:
    """Connect the terminal to a guest's serial line; control and ] ends it.

    A guest that was started paused goes on then.
    """
    # Run where the node's daemon runs, by its interpreter, whatever the caller has in its path.
    wrapper = (sys.executable, "-P", "-m", "pyganeti.tools.kvm_console_wrapper", paths.monitor)
    return (*wrapper, "socat", "STDIO,rawer,escape=0x1d", f"UNIX-CONNECT:{paths.serial}")


def console_info(instance: InstanceSpec, paths: GuestPaths) -> ConsoleInfo:
    """The serial line if there is one, else VNC or SPICE, else a message."""
    hvp = instance.hvparams
    address = str(hvp["vnc_bind_address"])
    node = instance.primary_node_name or instance.primary_node
    if hvp["serial_console"]:
        command = serial_command(paths)
        return ConsoleInfo(
            instance=instance.name, kind="ssh", host=node, user="root", command=command
        )
    if address.startswith("/"):
        text = f"Instance {instance.name} has VNC listening on the socket {vnc_socket(instance)}"
        return ConsoleInfo(instance=instance.name, kind="msg", message=f"{text} of node {node}")
    if address:
        host = node if address in ANY_ADDRESS else address
        display = vnc_display(instance)
        return ConsoleInfo(
            instance=instance.name,
            kind="vnc",
            host=host,
            port=instance.network_port,
            display=str(display),
        )
    if hvp["spice_bind"]:
        return ConsoleInfo(
            instance=instance.name,
            kind="spice",
            host=_spice_host(str(hvp["spice_bind"]), node),
            port=instance.network_port,
        )
    text = f"No serial shell for instance {instance.name}"
    return ConsoleInfo(instance=instance.name, kind="msg", message=text)


def _spice_host(place: str, node: str) -> str:
    """The address, or the node where all of its addresses or those of an interface are meant."""
    try:
        address = ip_address(place)
    except ValueError:
        return node
    return node if address.is_unspecified else place
