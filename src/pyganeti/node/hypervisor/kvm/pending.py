"""Parameters of kvm that do nothing yet: anything but their default is refused.

Data only: the list of pending parts and the driver's check read it.
"""

from typing import Final

# Parameter to its default.
PENDING: Final[dict[str, str | int | bool]] = {
    "kvm_extra": "",
    "soundhw": "",
    "spice_bind": "",
    "spice_image_compression": "",
    "spice_ip_version": 0,
    "spice_jpeg_wan_compression": "",
    "spice_password_file": "",
    "spice_playback_compression": True,
    "spice_streaming_video": "",
    "spice_tls_ciphers": "HIGH:-DES:-3DES:-EXPORT:-DH",
    "spice_use_tls": False,
    "spice_use_vdagent": True,
    "spice_zlib_glz_wan_compression": "",
    "usb_devices": "",
    "use_chroot": False,
    "use_guest_agent": False,
    "user_shutdown": False,
}

# Values of parameters that otherwise work.
PENDING_VALUES: Final[dict[str, frozenset[str]]] = {
    "security_model": frozenset({"pool"}),
}
