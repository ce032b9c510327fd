"""Graphical consoles: keyboard, mouse, graphics card, VNC and SPICE servers. Pure.

Source: qemu(1); gnt-instance(8) parameters ``vnc_*``, ``spice_*``, ``vga``, ``usb_mouse``.
"""

from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final

from pyganeti.model.errors import HypervisorError
from pyganeti.wire.noderpc.specs import InstanceSpec
from pyganeti.wire.noderpc.struct import Params

from .extras import usb_models

VNC_BASE_PORT: Final = 5900
ANY_ADDRESS: Final = ("0.0.0.0", "::")  # noqa: S104
# Parameters that are passed on as they are, unless they are empty.
_SPICE_OPTIONS: Final = {
    "spice_image_compression": "image-compression",
    "spice_jpeg_wan_compression": "jpeg-wan-compression",
    "spice_zlib_glz_wan_compression": "zlib-glz-wan-compression",
    "spice_streaming_video": "streaming-video",
}
_QXL: Final = "qxl"


@dataclass(frozen=True, slots=True)
class SpiceServer:
    """Where a guest's SPICE server listens.

    Attributes:
        address: of this node.
        certificate: file with the server's certificate and key.
        ca: file with the certificate of who signed it.
    """

    address: str
    certificate: str
    ca: str


def display_arguments(instance: InstanceSpec, spice: SpiceServer | None) -> list[str]:
    """All that a user sees, and all that a user moves.

    Raises:
        HypervisorError: the graphical console has no usable port.
    """
    hvp = instance.hvparams
    found: list[str] = []
    mouse = hvp["usb_mouse"] or ("tablet" if hvp["vnc_bind_address"] else "")
    models = [*([f"usb-{mouse}"] if mouse else []), *usb_models(hvp)]
    if models:
        found += ["-usb", *(word for model in models for word in ("-device", model))]
    if hvp["keymap"]:
        found += ["-k", str(hvp["keymap"])]
    usual = "std" if hvp["vnc_bind_address"] else "none"
    found += ["-vga", str(hvp["vga"] or (usual if spice is None else _QXL))]
    return [*found, *(_vnc(instance) if spice is None else _spice(instance, spice))]


def console_port(instance: InstanceSpec) -> int:
    """The port of a graphical console.

    Raises:
        HypervisorError: the instance has none, or one that VNC cannot have.
    """
    port = instance.network_port
    if port is None or port < VNC_BASE_PORT:
        text = f"{instance.name}: a graphical console needs a network port from {VNC_BASE_PORT} up,"
        raise HypervisorError(f"{text} this instance has {port}")
    return port


def vnc_display(instance: InstanceSpec) -> int:
    """Number of the VNC display, which is the port above 5900.

    Raises:
        HypervisorError: as :func:`console_port`.
    """
    return console_port(instance) - VNC_BASE_PORT


def vnc_socket(instance: InstanceSpec) -> str:
    """The socket of a VNC server that is bound to a directory."""
    return f"{instance.hvparams['vnc_bind_address']}/{instance.name}.vnc"


def _vnc(instance: InstanceSpec) -> list[str]:
    hvp = instance.hvparams
    address = str(hvp["vnc_bind_address"])
    if not address:
        return ["-display", "none"]
    if address.startswith("/"):
        place = f"unix:{vnc_socket(instance)}"
    else:
        host = f"[{address}]" if ":" in address else address
        place = f"{'' if address in ANY_ADDRESS else host}:{vnc_display(instance)}"
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


def _spice(instance: InstanceSpec, server: SpiceServer) -> list[str]:
    hvp, port = instance.hvparams, console_port(instance)
    version = ip_address(server.address).version
    value = {"addr": server.address, f"ipv{version}": "on"}
    if hvp["spice_use_tls"]:
        # Without a port of the other kind all channels are encrypted.
        value |= {
            "tls-port": str(port),
            "x509-cacert-file": server.ca,
            "x509-cert-file": server.certificate,
            "x509-key-file": server.certificate,
            "tls-ciphers": str(hvp["spice_tls_ciphers"]),
        }
    else:
        value["port"] = str(port)
    if not hvp["spice_password_file"]:
        value["disable-ticketing"] = "on"
    for name, option in _SPICE_OPTIONS.items():
        if hvp[name]:
            value[option] = str(hvp[name])
    value["playback-compression"] = "on" if hvp["spice_playback_compression"] else "off"
    value["agent-mouse"] = "on" if hvp["spice_use_vdagent"] else "off"
    # A comma in an option's value is written twice.
    text = ",".join(f"{key}={one.replace(',', ',,')}" for key, one in value.items())
    return ["-display", "none", "-spice", text, *(_vdagent() if hvp["spice_use_vdagent"] else [])]


def _vdagent() -> list[str]:
    """The port of the agent in the guest, which knows where its mouse is."""
    return [
        *("-device", "virtio-serial-pci,id=vdagent"),
        *("-chardev", "spicevmc,id=spicechannel0,name=vdagent"),
        *("-device", "virtserialport,bus=vdagent.0,chardev=spicechannel0,name=com.redhat.spice.0"),
    ]
