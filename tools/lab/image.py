"""The disk image of lab nodes: Debian with LVM, DRBD and QEMU, and what pyganeti needs to run.

    Debian's packages -> root tree -> ext4 -> qcow2, kernel, initial RAM disk in .cache/lab/image

A node boots busybox's init: no service manager, no udevd, so it is up in seconds. Made once, and
again when what it is made of changed; ``.cache`` may be removed at any time. Needs root.
"""

import hashlib
import shutil
import subprocess
from pathlib import Path
from typing import Final

from tools import debian_os
from tools.debian_os import OS_PACKAGES, SUITE, TREE, fetch_packages, make_guest_tree
from tools.machine import CHECKOUT, SetupError, run_logged

CACHE: Final = CHECKOUT / ".cache" / "lab"
IMAGE: Final = CACHE / "image"
LOG: Final = CACHE / "image.log"
REQUIREMENTS: Final = CHECKOUT / "requirements" / "run.txt"
KERNEL_PACKAGE: Final = "linux-image-cloud-amd64"
DISK_SIZE: Final = "3G"
# Programs this needs that the other tests do not: their packages.
PROGRAMS: Final = {"debootstrap": "debootstrap", "mmdebstrap": "mmdebstrap"}

PACKAGES: Final = (
    "bridge-utils busybox-static ca-certificates debootstrap dosfstools drbd-utils dump e2fsprogs"
    " fdisk fping iproute2 iptables iputils-arping iputils-ping kmod kpartx lvm2 netcat-openbsd"
    " openssh-client openssh-server ovmf parted procps psmisc python3 qemu-system-x86 qemu-utils"
    " rsync socat swtpm thin-provisioning-tools udev zstd"
)

_INITTAB: Final = """\
::sysinit:/etc/rc.lab
::respawn:/usr/sbin/sshd -D -e
ttyS0::respawn:/bin/sh -l
"""

# Name, addresses and serial lines come from the kernel's command line: node=, lip=, lip2=.
_RC: Final = """\
#!/bin/sh
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mountpoint -q /dev || mount -t devtmpfs devtmpfs /dev
mkdir -p /dev/pts /dev/shm
mount -t devpts -o gid=5,mode=620,ptmxmode=666 devpts /dev/pts
for place in /dev/shm /run /tmp; do mount -t tmpfs tmpfs $place; done
mount -t cgroup2 cgroup2 /sys/fs/cgroup
ln -sfn /proc/self/fd /dev/fd
ln -sfn /proc/self/fd/0 /dev/stdin
ln -sfn /proc/self/fd/1 /dev/stdout
ln -sfn /proc/self/fd/2 /dev/stderr
chmod 1777 /tmp
mkdir -p /run/sshd /run/lock /run/lvm
mount -o remount,rw /
for word in $(cat /proc/cmdline); do
  case $word in
    node=*) hostname "${word#node=}" ;;
    lip=*) lip=${word#lip=} ;;
    lip2=*) lip2=${word#lip2=} ;;
  esac
done
ip link set lo up
modprobe -a bridge tun 8021q
ip link add br0 type bridge forward_delay 0
ip link set eth0 master br0 up
ip link set br0 up
ip address add "$lip" dev br0
ip link set eth1 up
ip address add "$lip2" dev eth1
modprobe -a dm_mod dm_snapshot drbd kvm_amd loop
# What a test wants to be started at each boot.
[ ! -x /etc/rc.boot ] || /etc/rc.boot
echo LAB-READY > /dev/ttyS0
"""

_SSHD: Final = """\
HostKey /etc/ssh/ssh_host_ed25519_key
PermitRootLogin prohibit-password
PasswordAuthentication no
UsePAM no
UseDNS no
MaxSessions 100
KexAlgorithms curve25519-sha256
Subsystem sftp internal-sftp
"""

_SSH: Final = """\
Host *
  StrictHostKeyChecking accept-new
  KexAlgorithms curve25519-sha256
"""

# Without udevd nobody would answer what LVM waits for.
_LVM: Final = """\
activation { udev_sync = 0 udev_rules = 0 }
devices { obtain_device_list_from_udev = 0 use_devicesfile = 0 global_filter = [ "r|/dev/drbd|" ] }
"""

_FILES: Final = {
    "etc/inittab": _INITTAB,
    "etc/rc.lab": _RC,
    "etc/ssh/sshd_config": _SSHD,
    "etc/ssh/ssh_config.d/lab.conf": _SSH,
    "etc/lvm/lvmlocal.conf": _LVM,
    "etc/modprobe.d/lab.conf": (
        "options drbd disable_sendpage=1 minor_count=128 usermode_helper=/bin/true\n"
    ),
    "etc/drbd.d/global_common.conf": "global { usage-count no; }\ncommon { }\n",
    "etc/default/ganeti-instance-debootstrap": (
        f"SUITE={SUITE}\nPARTITION_STYLE=msdos\nGENERATE_CACHE=no\nCLEAN_CACHE=\n"
    ),
    "etc/hostname": "lab\n",
    "etc/resolv.conf": "",
}


def fingerprint() -> str:
    """A hash of all that the image is made of here."""
    digest = hashlib.sha256()
    for path in (Path(__file__), Path(debian_os.__file__), REQUIREMENTS):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def is_made() -> bool:
    """Whether there is an image of what it is made of now."""
    stamp = IMAGE / "made-from"
    return stamp.is_file() and stamp.read_text() == fingerprint()


def make() -> None:
    """Make the image, unless it is there.

    Raises:
        SetupError: a package could not be fetched, or a program failed; names the log.
    """
    if is_made():
        return
    CACHE.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(IMAGE, ignore_errors=True)
    work = CACHE / "work"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    IMAGE.mkdir()
    root = work / "root"
    _make_tree(root)
    _add_kernel(root, work)
    _add_requirements(root)
    _add_guest_system(root, work)
    _configure(root)
    _pack(root, work)
    shutil.rmtree(work)
    # Written last: an interrupted run leaves nothing that looks whole.
    (IMAGE / "made-from").write_text(fingerprint())


def _make_tree(root: Path) -> None:
    include = ",".join(PACKAGES.split())
    exclude = [f"--dpkgopt=path-exclude=/usr/share/{part}/*" for part in ("doc", "man", "locale")]
    run_logged(
        [
            "mmdebstrap", "--mode=root", "--variant=minbase",
            '--aptopt=Apt::Install-Recommends "false"', '--aptopt=Acquire::Languages "none"',
            "--dpkgopt=force-unsafe-io", *exclude, f"--include={include}", "bookworm", str(root),
        ],
        LOG,
    )  # fmt: skip


def _add_kernel(root: Path, work: Path) -> None:
    """The newest cloud kernel: its modules into the tree, itself beside the image."""
    depends = subprocess.run(
        ["apt-cache", "depends", KERNEL_PACKAGE], capture_output=True, text=True, check=False
    ).stdout
    names = [line.split(": ")[1] for line in depends.splitlines() if "Depends: " in line]
    if not names:
        raise SetupError(f"the package {KERNEL_PACKAGE} is not known here: run 'apt-get update'")
    fetch = f"cd {work} && apt-get -q -o APT::Sandbox::User=root download {names[0]}"
    run_logged(["sh", "-c", f"{fetch} && dpkg -x {names[0]}_*.deb kernel"], LOG)
    (package,) = work.glob(f"{names[0]}_*.deb")
    run_logged([str(CHECKOUT / "os/micro/build-boot"), str(IMAGE), str(package)], LOG)
    (modules,) = (work / "kernel/lib/modules").iterdir()
    target = root / "lib/modules"
    target.mkdir(exist_ok=True)
    shutil.copytree(modules, target / modules.name, symlinks=True)
    run_logged(["chroot", str(root), "depmod", modules.name], LOG)
    # What nodes boot is what their guests boot, too.
    boot = root / "boot/guest"
    boot.mkdir(parents=True)
    for name in ("vmlinuz", "initrd"):
        shutil.copy(IMAGE / name, boot / name)


def _add_requirements(root: Path) -> None:
    """The Python packages that pyganeti imports; pyganeti itself is copied into running nodes."""
    target = root / "opt/pyganeti/lib"
    pip = [str(CHECKOUT / ".venv/bin/pip"), "install", "--disable-pip-version-check", "--no-input"]
    run_logged([*pip, "--require-hashes", "-r", str(REQUIREMENTS), "--target", str(target)], LOG)
    paths = "/opt/pyganeti/src\n/opt/pyganeti/lib\n"
    (root / "usr/lib/python3/dist-packages/pyganeti.pth").write_text(paths)


def _add_guest_system(root: Path, work: Path) -> None:
    """The OS definition "debootstrap" as Debian has it, and the tree it finds in its cache."""
    packages = work / "os-packages"
    fetch_packages(packages, OS_PACKAGES, LOG)
    shutil.copytree(packages / "root", root, symlinks=True, dirs_exist_ok=True)
    make_guest_tree(LOG)
    cache = root / "var/cache/ganeti-instance-debootstrap"
    cache.mkdir(parents=True, exist_ok=True)
    shutil.copy(TREE, cache)


def _configure(root: Path) -> None:
    for name, text in _FILES.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        path.write_text(text)
    (root / "etc/rc.lab").chmod(0o755)
    (root / "sbin/init").unlink(missing_ok=True)
    (root / "sbin/init").symlink_to("/bin/busybox")
    for old in (root / "etc/ssh").glob("ssh_host_*"):
        old.unlink()
    key = root / "root/.ssh/id_ed25519"
    key.parent.mkdir(mode=0o700, exist_ok=True)
    host_key = root / "etc/ssh/ssh_host_ed25519_key"
    for path in (key, host_key):
        run_logged(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path)], LOG)
    shutil.copy(f"{key}.pub", key.parent / "authorized_keys")
    shutil.copy(key, IMAGE / "key")
    (IMAGE / "key").chmod(0o600)


def _pack(root: Path, work: Path) -> None:
    raw, packed = work / "root.raw", IMAGE / "root.qcow2"
    run_logged(["truncate", "-s", DISK_SIZE, str(raw)], LOG)
    # Nodes lose their power in tests, and must come back with a file system that is whole.
    options = ["-q", "-t", "ext4", "-O", "has_journal,^metadata_csum"]
    options += ["-E", "lazy_itable_init=1,lazy_journal_init=1"]
    run_logged(["mke2fs", *options, "-d", str(root), str(raw)], LOG)
    run_logged(["qemu-img", "convert", "-O", "qcow2", str(raw), str(packed)], LOG)
