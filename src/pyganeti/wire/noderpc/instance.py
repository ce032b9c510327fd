"""Node calls about guests."""

from typing import ClassVar

import msgspec

from .call import DAY_S, FAST_S, URGENT_S, NodeCall
from .guests import (
    ConsoleInfo,
    GuestInfo,
)
from .specs import InstanceSpec
from .struct import Params


class AllInstancesInfoCall(NodeCall[dict[str, GuestInfo]], frozen=True, kw_only=True):
    """All guests of the named hypervisors, by name.

    Raises: HypervisorError, a hypervisor cannot be asked.
    """

    procedure: ClassVar[str] = "all_instances_info"
    timeout_s: ClassVar[float] = URGENT_S

    hypervisors: tuple[str, ...]
    hvparams: dict[str, Params] = msgspec.field(default_factory=dict)


class InstanceListCall(NodeCall[tuple[str, ...]], frozen=True, kw_only=True):
    """Names of all guests of the named hypervisors."""

    procedure: ClassVar[str] = "instance_list"
    timeout_s: ClassVar[float] = URGENT_S

    hypervisors: tuple[str, ...]
    hvparams: dict[str, Params] = msgspec.field(default_factory=dict)


class InstanceInfoCall(NodeCall[GuestInfo | None], frozen=True, kw_only=True):
    """One guest, or null when it is not here."""

    procedure: ClassVar[str] = "instance_info"
    timeout_s: ClassVar[float] = URGENT_S

    name: str
    hypervisor: str
    hvparams: Params = msgspec.field(default_factory=dict)


class InstanceStartCall(NodeCall[None], frozen=True, kw_only=True):
    """Start a guest, its disks being assembled; one that runs is left alone.

    Raises: HypervisorError or NetworkError; what was begun is undone.
    """

    procedure: ClassVar[str] = "instance_start"
    changes: ClassVar[bool] = True

    instance: InstanceSpec
    startup_paused: bool = False


class InstanceZeroCall(NodeCall[None], frozen=True, kw_only=True):
    """Boot a copy of ``image`` with the instance's disks, which are active, until it is done.

    Raises: OpExecError, no such image, or no end after ``zeroing_s``; HypervisorError.
    """

    procedure: ClassVar[str] = "instance_zero"
    timeout_s: ClassVar[float] = DAY_S
    changes: ClassVar[bool] = True
    long: ClassVar[bool] = True

    instance: InstanceSpec
    image: str
    zeroing_s: float


class InstanceInstallCall(NodeCall[bool], frozen=True, kw_only=True):
    """Let a helper run the untrusted create script on the instance's disks, which are active.

    The answer is whether it told how the script went; otherwise it just powered itself off.

    Attributes:
        instance: without secret OS parameters.
        image: that the helper boots: a path on the node, or a URL.
        startup_s: how long it may take until it asks for something.
        shutdown_s: how long it may take from then on until it has powered itself off.
        secrets: secret OS parameters.

    Raises: InvalidOS; OpExecError, no such image, no life sign, no end, a crash, or a script that
        failed, which names the log file with its output; HypervisorError.
    """

    procedure: ClassVar[str] = "instance_install"
    timeout_s: ClassVar[float] = DAY_S
    changes: ClassVar[bool] = True
    repeatable: ClassVar[bool] = False
    long: ClassVar[bool] = True

    instance: InstanceSpec
    image: str
    startup_s: float
    shutdown_s: float
    secrets: Params = msgspec.field(default_factory=dict)
    reinstall: bool = False
    debug: int = 0


class ImageCheckCall(NodeCall[None], frozen=True, kw_only=True):
    """Refuse an image that the node has not, or its server does not give. Raises: OpExecError."""

    procedure: ClassVar[str] = "image_check"
    timeout_s: ClassVar[float] = FAST_S

    image: str


class InstanceShutdownCall(NodeCall[None], frozen=True, kw_only=True):
    """Stop a guest: ask it, and after ``timeout`` seconds end it. One that is down is a success.

    Raises: HypervisorError, it still runs.
    """

    procedure: ClassVar[str] = "instance_shutdown"
    changes: ClassVar[bool] = True

    instance: InstanceSpec
    timeout: float = 120.0


class InstanceRebootCall(NodeCall[None], frozen=True, kw_only=True):
    """Reboot a running guest: ``soft`` by its hypervisor, ``hard`` by stopping and starting it.

    Raises: HypervisorError, it does not run, or the type is neither.
    """

    procedure: ClassVar[str] = "instance_reboot"
    changes: ClassVar[bool] = True

    instance: InstanceSpec
    reboot_type: str
    shutdown_timeout: float = 120.0


class HotplugDeviceCall(NodeCall[tuple[str, ...]], frozen=True, kw_only=True):
    """Give a running guest the NICs and disks of ``instance``, which are assembled and linked.

    One that does not run is left alone. The answer says what was done. Raises: HypervisorError;
    what came before the device that failed stays done.

    Attributes:
        instance: as it is now.
        kept: UUIDs of devices that stay as the guest has them, or has them not.
    """

    procedure: ClassVar[str] = "hotplug_device"
    changes: ClassVar[bool] = True

    instance: InstanceSpec
    kept: tuple[str, ...] = ()


class InstanceBalloonMemoryCall(NodeCall[None], frozen=True, kw_only=True):
    """Give a running guest ``memory`` MiB of what it was started with; it gives up the rest slowly.

    Raises: HypervisorError, it does not run, was started with less, or has no balloon.
    """

    procedure: ClassVar[str] = "instance_balloon_memory"
    changes: ClassVar[bool] = True

    instance: InstanceSpec
    memory: int


class InstanceConsoleInfoCall(NodeCall[dict[str, ConsoleInfo]], frozen=True, kw_only=True):
    """How to reach the consoles of guests, by name; one that has none is left out."""

    procedure: ClassVar[str] = "instance_console_info"
    timeout_s: ClassVar[float] = URGENT_S

    instances: tuple[InstanceSpec, ...]


class InstanceOsAddCall(NodeCall[None], frozen=True, kw_only=True):
    """Run the OS definition's create script on the instance's assembled disks.

    Raises: InvalidOS; OpExecError names the script's log file.
    """

    procedure: ClassVar[str] = "instance_os_add"
    timeout_s: ClassVar[float] = DAY_S
    changes: ClassVar[bool] = True
    repeatable: ClassVar[bool] = False
    long: ClassVar[bool] = True

    instance: InstanceSpec
    reinstall: bool = False
    debug: int = 0


class InstanceRunRenameCall(NodeCall[None], frozen=True, kw_only=True):
    """Run the OS definition's rename script on the assembled disks of an instance that had
    ``old_name`` before.

    Raises: InvalidOS; OpExecError names the script's log file.
    """

    procedure: ClassVar[str] = "instance_run_rename"
    timeout_s: ClassVar[float] = DAY_S
    changes: ClassVar[bool] = True
    repeatable: ClassVar[bool] = False
    long: ClassVar[bool] = True

    instance: InstanceSpec
    old_name: str
    debug: int = 0


class HypervisorValidateParamsCall(NodeCall[None], frozen=True, kw_only=True):
    """Check filled ``hvparams`` against what this node has.

    Raises: HypervisorError names the parameter, its value and what was expected.
    """

    procedure: ClassVar[str] = "hypervisor_validate_params"

    hypervisor: str
    hvparams: Params


CALLS = (
    AllInstancesInfoCall,
    HotplugDeviceCall,
    HypervisorValidateParamsCall,
    ImageCheckCall,
    InstanceBalloonMemoryCall,
    InstanceConsoleInfoCall,
    InstanceInfoCall,
    InstanceInstallCall,
    InstanceListCall,
    InstanceOsAddCall,
    InstanceRebootCall,
    InstanceRunRenameCall,
    InstanceShutdownCall,
    InstanceStartCall,
    InstanceZeroCall,
)
