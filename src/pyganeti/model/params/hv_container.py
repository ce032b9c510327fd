"""Parameters of the hypervisors that need no emulator: containers, change roots and the fake one.

Source: gnt-instance(8), hypervisor parameters; defaults and allowed values of Ganeti 3.1.
"""

from typing import Final

from .checks import absolute_path, at_least, cpu_mask
from .kinds import Kind, Param, param_set

_CHROOT: Final = (
    Param("init_script", Kind.STRING, "/ganeti-chroot", required=True, check=absolute_path),
)

_FAKE: Final = (
    Param(
        "migration_mode",
        Kind.STRING,
        "live",
        required=True,
        allowed=(
            "live",
            "non-live",
        ),
        cluster_only=True,
    ),
)

_LXC: Final = (
    Param("cpu_mask", Kind.STRING, "", check=cpu_mask),
    Param(
        "devices",
        Kind.STRING,
        "c 1:3 rw,c 1:5 rw,c 1:7 rw,c 1:8 rw,c 1:9 rw,c 1:10 rw,"
        "c 5:0 rw,c 5:1 rw,c 5:2 rw,c 136:* rw",
    ),
    Param("drop_capabilities", Kind.STRING, "mac_override,sys_boot,sys_module,sys_time,sys_admin"),
    Param("extra_cgroups", Kind.STRING, ""),
    Param("extra_config", Kind.STRING, ""),
    Param("num_ttys", Kind.INT, 6, required=True, check=at_least(0)),
    Param("startup_timeout", Kind.INT, 30, check=at_least(0)),
)

CHROOT: Final = param_set("hypervisor chroot", _CHROOT)
FAKE: Final = param_set("hypervisor fake", _FAKE)
LXC: Final = param_set("hypervisor lxc", _LXC)
