"""The command line of a guest's QEMU, without disks and NICs. Pure.

Those are added when it is run (``devices``), because the runtime file keeps them apart.
Source: qemu(1); behaviour of the parameters as gnt-instance(8) describes it.
"""

from dataclasses import dataclass
from typing import Final

from pyganeti.model.errors import HypervisorError
from pyganeti.wire.noderpc.types import InstanceSpec, Params

from .devices import controller_arguments, removable_arguments
from .layout import GuestPaths

VNC_BASE_PORT: Final = 5900
_ANY_ADDRESS: Final = ("0.0.0.0", "::")  # noqa: S104


@dataclass(frozen=True, slots=True)
class Machine:
    """What was found out about the node for this guest.

    Attributes:
        qemu: the program.
        machine: the machine type, never empty.
        accelerator: ``kvm`` or ``tcg``.
    """

    qemu: str
    machine: str
    accelerator: str


def base_command(instance: InstanceSpec, paths: GuestPaths, machine: Machine) -> list[str]:
    """The command line up to the devices that the runtime file keeps apart.

    Raises:
        HypervisorError: the graphical console has no usable port.
    """
    hvp = instance.hvparams
    acpi = "on" if hvp["acpi"] else "off"
    return [
        machine.qemu,
        *("-name", instance.name),
        *("-uuid", instance.uuid),
        *("-m", str(instance.beparams["maxmem"])),
        *("-smp", smp(instance)),
        *("-pidfile", paths.pid),
        "-daemonize",
        # The guest is let run over QMP, once all is known to be in place.
        "-S",
        "-no-user-config",
        "-nodefaults",
        *("-machine", f"{machine.machine},acpi={acpi}"),
        *("-accel", machine.accelerator),
        *_cpu_and_memory(hvp),
        *("-device", "virtio-balloon-pci,id=balloon"),
        *_behaviour(hvp),
        *_boot(hvp),
        *_controls(hvp, paths),
        *controller_arguments(hvp),
        *removable_arguments(hvp),
        *_display(instance),
    ]


def smp(instance: InstanceSpec) -> str:
    """Value of ``-smp``: number of processors, and their topology where one is given."""
    hvp = instance.hvparams
    parts = [str(instance.beparams["vcpus"])]
    for name in ("cores", "threads", "sockets"):
        if hvp[f"cpu_{name}"]:
            parts.append(f"{name}={hvp[f'cpu_{name}']}")
    return ",".join(parts)


def _cpu_and_memory(hvp: Params) -> list[str]:
    found = ["-cpu", str(hvp["cpu_type"])] if hvp["cpu_type"] else []
    if hvp["mem_path"]:
        found += ["-mem-path", str(hvp["mem_path"]), "-mem-prealloc"]
    return found


def _behaviour(hvp: Params) -> list[str]:
    found = ["-no-reboot"] if hvp["reboot_behavior"] == "exit" else []
    if hvp["use_localtime"]:
        found += ["-rtc", "base=localtime"]
    if hvp["security_model"] == "user":
        found += ["-runas", str(hvp["security_domain"])]
    return found


def _boot(hvp: Params) -> list[str]:
    if not hvp["kernel_path"]:
        return []
    found = ["-kernel", str(hvp["kernel_path"])]
    if hvp["initrd_path"]:
        found += ["-initrd", str(hvp["initrd_path"])]
    return [*found, "-append", kernel_arguments(hvp)]


def kernel_arguments(hvp: Params) -> str:
    """What the guest's kernel is told: root device, own arguments, serial console."""
    parts = [f"root={hvp['root_path']}"] if hvp["root_path"] else []
    parts += [str(hvp["kernel_args"])] if hvp["kernel_args"] else []
    parts += [f"console=ttyS0,{hvp['serial_speed']}"] if hvp["serial_console"] else []
    return " ".join(parts)


def _socket(name: str, path: str) -> list[str]:
    # A comma in an option's value is written twice.
    return ["-chardev", f"socket,id={name},path={path.replace(',', ',,')},server=on,wait=off"]


def _controls(hvp: Params, paths: GuestPaths) -> list[str]:
    found = [*_socket("hmp", paths.monitor), "-mon", "chardev=hmp,mode=readline"]
    found += [*_socket("qmp", paths.qmp), "-mon", "chardev=qmp,mode=control"]
    if hvp["serial_console"]:
        found += [
            *_socket("charserial0", paths.serial),
            "-device",
            "isa-serial,chardev=charserial0",
        ]
    return found


def _display(instance: InstanceSpec) -> list[str]:
    hvp = instance.hvparams
    found: list[str] = []
    mouse = hvp["usb_mouse"] or ("tablet" if hvp["vnc_bind_address"] else "")
    if mouse:
        found += ["-usb", "-device", f"usb-{mouse}"]
    if hvp["keymap"]:
        found += ["-k", str(hvp["keymap"])]
    found += ["-vga", str(hvp["vga"] or ("std" if hvp["vnc_bind_address"] else "none"))]
    return [*found, *_vnc(instance)]


def vnc_display(instance: InstanceSpec) -> int:
    """Number of the VNC display, which is the port above 5900.

    Raises:
        HypervisorError: the instance has no port, or one below.
    """
    port = instance.network_port
    if port is None or port < VNC_BASE_PORT:
        text = f"{instance.name}: vnc_bind_address needs a network port from {VNC_BASE_PORT} up,"
        raise HypervisorError(f"{text} this instance has {port}")
    return port - VNC_BASE_PORT


def _vnc(instance: InstanceSpec) -> list[str]:
    hvp = instance.hvparams
    address = str(hvp["vnc_bind_address"])
    if not address:
        return ["-display", "none"]
    if address.startswith("/"):
        place = f"unix:{address}/{instance.name}.vnc"
    else:
        host = f"[{address}]" if ":" in address else address
        place = f"{'' if address in _ANY_ADDRESS else host}:{vnc_display(instance)}"
    value = [place]
    credentials: list[str] = []
    if hvp["vnc_password_file"]:
        value.append("password=on")
    if hvp["vnc_tls"]:
        value.append("tls-creds=vnctls0")
        credentials = ["-object", _vnc_credentials(hvp)]
    return [*credentials, "-vnc", ",".join(value)]


def _vnc_credentials(hvp: Params) -> str:
    if not hvp["vnc_x509_path"]:
        return "tls-creds-anon,id=vnctls0,endpoint=server"
    verify = "on" if hvp["vnc_x509_verify"] else "off"
    path = hvp["vnc_x509_path"]
    return f"tls-creds-x509,id=vnctls0,endpoint=server,dir={path},verify-peer={verify}"
