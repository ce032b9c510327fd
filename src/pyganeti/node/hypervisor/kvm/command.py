"""The command line of a guest's QEMU, without disks and NICs. Pure.

Those are added when it is run (``devices``), because the runtime file keeps them apart.
Source: qemu(1); behaviour of the parameters as gnt-instance(8) describes it.
"""

import json
from dataclasses import dataclass

from pyganeti.model.params.hv_kvm import boots_kernel, has_tpm
from pyganeti.wire.noderpc.specs import InstanceSpec
from pyganeti.wire.noderpc.struct import Params

from .devices import CODE_NODE, VARS_NODE, controller_arguments, removable_arguments
from .display import SpiceServer, display_arguments
from .extras import agent_arguments, own_arguments, sound_arguments
from .firmware import Firmware
from .layout import GuestPaths
from .tpm import tpm_arguments


@dataclass(frozen=True, slots=True)
class Machine:
    """What was found out about the node for this guest.

    Attributes:
        qemu: the program.
        machine: the machine type, never empty.
        accelerator: ``kvm`` or ``tcg``.
        run_with: privileges are given up by ``-run-with`` and not by options of their own.
        spice: where its SPICE server is to listen, if it has one.
        firmware: of a guest that boots by UEFI.
    """

    qemu: str
    machine: str
    accelerator: str
    run_with: bool = False
    spice: SpiceServer | None = None
    firmware: Firmware | None = None


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
        *firmware_arguments(machine.firmware),
        *("-machine", f"{machine.machine},acpi={acpi}{_flash(machine.firmware)}"),
        *("-accel", machine.accelerator),
        *_cpu_and_memory(hvp),
        *("-device", "virtio-balloon-pci,id=balloon"),
        *_behaviour(hvp),
        *_privileges(hvp, paths, run_with=machine.run_with),
        *_boot(hvp),
        *_controls(hvp, paths),
        *controller_arguments(hvp),
        *removable_arguments(hvp),
        *display_arguments(instance, machine.spice),
        *sound_arguments(hvp),
        *agent_arguments(hvp, paths),
        *(tpm_arguments(paths) if has_tpm(hvp) else ()),
        *own_arguments(hvp),
    ]


def firmware_arguments(firmware: Firmware | None) -> list[str]:
    """The program of a guest's firmware, as a memory that cannot be written."""
    if firmware is None:
        return []
    file = {"driver": "file", "filename": firmware.code, "read-only": True}
    node = {"driver": "raw", "node-name": CODE_NODE, "read-only": True, "file": file}
    return ["-blockdev", json.dumps(node, separators=(",", ":"))]


def _flash(firmware: Firmware | None) -> str:
    return "" if firmware is None else f",pflash0={CODE_NODE},pflash1={VARS_NODE}"


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
    return found


def _privileges(hvp: Params, paths: GuestPaths, *, run_with: bool) -> list[str]:
    """What QEMU gives up once it has opened its files."""
    given: list[tuple[str, str, str]] = []
    if hvp["use_chroot"]:
        given.append(("-chroot", "chroot", paths.chroot))
    if hvp["security_model"] == "user":
        given.append(("-runas", "user", str(hvp["security_domain"])))
    return [word for one in given for word in _given_up(*one, run_with=run_with)]


def user_arguments(user: str, *, run_with: bool) -> tuple[str, ...]:
    """Let QEMU become ``user``, whom it gets on this node only and for this time only."""
    return _given_up("-runas", "user", user, run_with=run_with)


def _given_up(option: str, name: str, value: str, *, run_with: bool) -> tuple[str, str]:
    if run_with:
        return "-run-with", f"{name}={value.replace(',', ',,')}"
    return option, value


def _boot(hvp: Params) -> list[str]:
    if not boots_kernel(hvp):
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
