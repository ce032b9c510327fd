"""What few guests have: sound cards, USB devices, the guest agent, options of the user's own. Pure.

QEMU has no ``-soundhw`` and no ``-usbdevice`` for a host's device any more; the devices they stood
for are there. Source: qemu(1); gnt-instance(8) ``soundhw``, ``usb_devices``, ``kvm_extra``,
``use_guest_agent``.
"""

import re
from typing import Final

from pyganeti.model.errors import HypervisorError
from pyganeti.wire.noderpc.struct import Params

from .layout import GuestPaths

# Names of cards as ``soundhw`` has them, with the devices of each.
_CARDS: Final[dict[str, tuple[str, ...]]] = {
    "ac97": ("AC97,audiodev=snd0",),
    "adlib": ("adlib,audiodev=snd0",),
    "cs4231a": ("cs4231a,audiodev=snd0",),
    "es1370": ("ES1370,audiodev=snd0",),
    "gus": ("gus,audiodev=snd0",),
    "hda": ("intel-hda,id=hda", "hda-duplex,audiodev=snd0,bus=hda.0"),
    "sb16": ("sb16,audiodev=snd0",),
}
# The speaker is part of the machine.
_SPEAKER: Final = "pcspk"
_USB: Final = {
    "keyboard": "usb-kbd",
    "mouse": "usb-mouse",
    "tablet": "usb-tablet",
    "wacom-tablet": "usb-wacom-tablet",
}
_HOST_ADDRESS: Final = re.compile(r"host:(\d{1,3})\.(\d{1,3})")
_HOST_PRODUCT: Final = re.compile(r"host:([0-9a-fA-F]{1,4}):([0-9a-fA-F]{1,4})")
AGENT_PORT: Final = "org.qemu.guest_agent.0"
"""Name of the port as the agent in the guest looks for it."""


def sound_arguments(hvp: Params) -> list[str]:
    """Sound cards; nobody hears them unless a console carries sound."""
    cards = sound_cards(hvp)
    if not cards:
        return []
    found = ["-audiodev", f"{'spice' if hvp['spice_bind'] else 'none'},id=snd0"]
    for card in cards:
        if card == _SPEAKER:
            found += ["-machine", "pcspk-audiodev=snd0"]
        for device in _CARDS.get(card, ()):
            found += ["-device", device]
    return found


def sound_cards(hvp: Params) -> tuple[str, ...]:
    """Names of the cards, each once.

    Raises:
        HypervisorError: there is no such card.
    """
    names = [name.strip() for name in str(hvp["soundhw"]).split(",") if name.strip()]
    known = sorted([*_CARDS, _SPEAKER])
    if names == ["all"]:
        return tuple(known)
    for name in names:
        if name not in known:
            expected = f"cards among {', '.join(known)}, or 'all'"
            raise HypervisorError(f"hypervisor parameter soundhw: {name!r}, expected {expected}")
    return tuple(dict.fromkeys(names))


def usb_models(hvp: Params) -> list[str]:
    """USB devices as values of ``-device``.

    Raises:
        HypervisorError: one is none of those that a guest can have.
    """
    # As Ganeti: commas have separated them once.
    return [_usb_model(name) for name in str(hvp["usb_devices"]).replace(",", " ").split()]


def _usb_model(name: str) -> str:
    if name in _USB:
        return _USB[name]
    if found := _HOST_ADDRESS.fullmatch(name):
        return f"usb-host,hostbus={int(found[1])},hostaddr={int(found[2])}"
    if found := _HOST_PRODUCT.fullmatch(name):
        return f"usb-host,vendorid=0x{found[1]},productid=0x{found[2]}"
    expected = f"{', '.join(_USB)}, host:BUS.ADDRESS or host:VENDOR:PRODUCT"
    raise HypervisorError(f"hypervisor parameter usb_devices: {name!r}, expected {expected}")


def agent_arguments(hvp: Params, paths: GuestPaths) -> list[str]:
    """The port of the guest agent, with a socket on the node."""
    if not hvp["use_guest_agent"]:
        return []
    # A comma in an option's value is written twice.
    path = paths.agent.replace(",", ",,")
    return [
        *("-device", "virtio-serial-pci,id=agent"),
        *("-chardev", f"socket,id=qga0,path={path},server=on,wait=off"),
        *("-device", f"virtserialport,bus=agent.0,chardev=qga0,name={AGENT_PORT}"),
    ]


def own_arguments(hvp: Params) -> list[str]:
    """What the user wants besides, word by word; there are no quotes."""
    return str(hvp["kvm_extra"]).split()
