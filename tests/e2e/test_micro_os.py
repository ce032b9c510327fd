"""The OS definition ``micro`` by itself: its scripts, and its guest under QEMU; no cluster."""

import fcntl
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.prepare import BOOT
from tools.machine import CHECKOUT
from tools.virtual import wait_console

MICRO = CHECKOUT / "os" / "micro"
MAC = "aa:00:00:12:34:56"
MIB = 1 << 20
CONF = "/etc/micro.conf"


def script(
    name: str, env: dict[str, str], *args: str, stdin: bytes = b""
) -> subprocess.CompletedProcess[bytes]:
    """Run one of the OS scripts with nothing in its environment but ``env`` and a PATH."""
    return subprocess.run(
        [str(MICRO / name), *args],
        input=stdin,
        env={"PATH": "/sbin:/bin:/usr/sbin:/usr/bin", **env},
        capture_output=True,
        check=False,
        timeout=60,
    )


def make_disk(path: Path, size_mib: int = 16) -> Path:
    path.touch()
    os.truncate(path, size_mib * MIB)
    return path


def instance_env(disk: Path, **more: str) -> dict[str, str]:
    return {
        "OS_API_VERSION": "20",
        "INSTANCE_NAME": "web1.example.com",
        "DISK_COUNT": "1",
        "DISK_0_PATH": str(disk),
        "NIC_COUNT": "1",
        "NIC_0_MAC": MAC,
        "NIC_0_IP": "192.0.2.10",
        **more,
    }


def read_conf(disk: Path) -> list[str]:
    shown = subprocess.run(
        ["/sbin/debugfs", "-R", f"cat {CONF}", str(disk)],
        capture_output=True,
        text=True,
        check=True,
    )
    return shown.stdout.splitlines()


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    """A disk with a guest on it."""
    path = make_disk(tmp_path / "disk0")
    done = script("create", instance_env(path))
    assert done.returncode == 0, done.stderr
    return path


@pytest.fixture
def guest(disk: Path, tmp_path: Path) -> Iterator[Callable[[], "subprocess.Popen[bytes]"]]:
    """Starts QEMU on the disk; ends it after the test."""
    started: list[subprocess.Popen[bytes]] = []

    def start() -> "subprocess.Popen[bytes]":
        argv = [
            "qemu-system-x86_64", "-accel", "tcg", "-m", "96", "-nodefaults", "-display", "none",
            "-kernel", str(BOOT / "vmlinuz"), "-initrd", str(BOOT / "initrd"),
            "-append", "root=/dev/vda ro console=ttyS0,38400 quiet",
            "-drive", f"file={disk},format=raw,if=virtio",
            "-netdev", "user,id=n0,restrict=on", "-device", f"virtio-net-pci,netdev=n0,mac={MAC}",
            "-chardev", f"socket,id=c0,path={tmp_path}/console,server=on,wait=off",
            "-serial", "chardev:c0", "-monitor", f"unix:{tmp_path}/monitor,server=on,wait=off",
        ]  # fmt: skip
        started.append(subprocess.Popen(argv, stdin=subprocess.DEVNULL))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.wait()


def press_power_button(monitor: Path) -> None:
    with socket.socket(socket.AF_UNIX) as link:
        link.connect(str(monitor))
        link.sendall(b"system_powerdown\n")
        time.sleep(0.2)


def test_guest_boots_says_so_and_obeys_the_power_button(
    guest: Callable[[], "subprocess.Popen[bytes]"], tmp_path: Path
) -> None:
    process = guest()
    said = wait_console(
        tmp_path / "console", r"micro: (\S+) is up, address (\S+), ", timeout_s=90, ask=b"\nmicro\n"
    )
    assert said is not None
    assert said.groups() == ("web1.example.com", "192.0.2.10")
    press_power_button(tmp_path / "monitor")
    assert process.wait(60) == 0


def test_export_then_import_on_a_larger_disk_keeps_the_guest(disk: Path, tmp_path: Path) -> None:
    exported = script("export", instance_env(disk, EXPORT_DEVICE=str(disk)))
    assert exported.returncode == 0, exported.stderr
    assert exported.stdout == disk.read_bytes()
    larger = make_disk(tmp_path / "disk1", 24)
    imported = script(
        "import", instance_env(larger, IMPORT_DEVICE=str(larger)), stdin=exported.stdout
    )
    assert imported.returncode == 0, imported.stderr
    assert read_conf(larger) == read_conf(disk)
    blocks = subprocess.run(
        ["/sbin/dumpe2fs", "-h", larger], capture_output=True, text=True, check=True
    )
    assert "Block count:              24576" in blocks.stdout


def test_import_keeps_other_disks_as_they_are(tmp_path: Path) -> None:
    data, copy = tmp_path / "data", tmp_path / "copy"
    data.write_bytes(os.urandom(16 << 20))
    copy.touch()
    os.truncate(copy, 16 << 20)
    exported = script("export", instance_env(data, EXPORT_DEVICE=str(data)))
    env = instance_env(copy, IMPORT_DEVICE=str(copy), IMPORT_INDEX="1")
    done = script("import", env, stdin=exported.stdout)
    assert done.returncode == 0, done.stderr
    assert copy.read_bytes() == data.read_bytes()
    # The first disk is the guest itself.
    done = script("import", {**env, "IMPORT_INDEX": "0"}, stdin=exported.stdout)
    assert done.returncode != 0
    assert b"not a sound ext4 file system" in done.stderr


def test_export_tells_the_expected_size_in_bytes(disk: Path) -> None:
    read_end, write_end = os.pipe()
    # A free number above 9, which a POSIX shell's redirection does not know.
    high = fcntl.fcntl(write_end, fcntl.F_DUPFD, 42)
    try:
        subprocess.run(
            [str(MICRO / "export")],
            env={"PATH": os.environ["PATH"], "EXPORT_DEVICE": str(disk), "EXP_SIZE_FD": str(high)},
            stdout=subprocess.DEVNULL,
            pass_fds=[high],
            check=True,
        )
        assert os.read(read_end, 100) == b"%d\n" % (16 * MIB)
    finally:
        for handle in (read_end, write_end, high):
            os.close(handle)


def test_rename_changes_name_and_address_and_nothing_else(disk: Path) -> None:
    env = instance_env(disk, INSTANCE_NAME="db7.example.org", OLD_INSTANCE_NAME="web1.example.com")
    done = script("rename", env)
    assert done.returncode == 0, done.stderr
    conf = read_conf(disk)
    assert "instance=db7.example.org" in conf
    assert "hostname=db7" in conf
    sound = subprocess.run(["/sbin/e2fsck", "-f", "-n", disk], capture_output=True, check=False)
    assert sound.returncode == 0, sound.stdout


def test_networks_and_parameters_reach_the_guest(tmp_path: Path) -> None:
    disk = make_disk(tmp_path / "disk0")
    env = instance_env(
        disk,
        NIC_COUNT="2",
        NIC_0_NETWORK_SUBNET="192.0.2.0/28",
        NIC_0_NETWORK_GATEWAY="192.0.2.1",
        NIC_1_MAC="aa:00:00:00:00:02",
        NIC_1_IP="2001:db8::5",
        OSP_HOSTNAME="shop",
        OSP_MESSAGE="it's $HOME & more",
        OSP_DNS="192.0.2.2 192.0.2.3",
    )
    done = script("create", env)
    assert done.returncode == 0, done.stderr
    assert read_conf(disk) == [
        "instance=web1.example.com",
        "hostname=shop",
        "message=it's $HOME & more",
        "dns=192.0.2.2 192.0.2.3",
        f"nic={MAC} 192.0.2.10/28 192.0.2.1",
        "nic=aa:00:00:00:00:02 2001:db8::5/64 -",
    ]


def test_fits_on_the_smallest_disk_it_accepts(tmp_path: Path) -> None:
    done = script("create", instance_env(make_disk(tmp_path / "disk0", 8)))
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("name", "change", "text"),
    [
        ("create", {"DISK_0_PATH": ""}, "DISK_0_PATH is not set"),
        ("create", {"DISK_0_PATH": "/nowhere/disk"}, "does not exist"),
        ("create", {"INSTANCE_NAME": ""}, "INSTANCE_NAME is not set"),
        ("create", {"OSP_HOSTNAME": "a b"}, "'a b' is not a host name"),
        ("create", {"OSP_PREFIX": "129"}, "'129' is not a number from 0 to 128"),
        ("export", {}, "EXPORT_DEVICE is not set"),
        ("import", {}, "IMPORT_DEVICE is not set"),
        ("rename", {"DISK_0_PATH": ""}, "DISK_0_PATH is not set"),
        ("verify", {"OSP_DNS": "one.one"}, "'one.one' is not an IP address"),
        ("verify", {"OSP_MESSAGE": "two\nlines"}, "must be single lines"),
    ],
)
def test_refuses_in_one_clear_line(
    tmp_path: Path, name: str, change: dict[str, str], text: str
) -> None:
    done = script(name, instance_env(make_disk(tmp_path / "disk0")) | change, "parameters")
    assert done.returncode == 1
    (line,) = done.stderr.decode().splitlines()
    assert line.startswith(f"micro: {name}: ")
    assert text in line
    assert done.stdout == b""


def test_a_disk_too_small_is_left_alone(tmp_path: Path) -> None:
    disk = make_disk(tmp_path / "disk0", 7)
    done = script("create", instance_env(disk))
    assert done.returncode == 1
    assert b"smaller than 8 MiB" in done.stderr
    assert disk.read_bytes() == bytes(7 * MIB)


def test_an_image_that_does_not_fit_is_refused(disk: Path, tmp_path: Path) -> None:
    small = make_disk(tmp_path / "disk1", 8)
    done = script("import", instance_env(disk, IMPORT_DEVICE=str(small)), stdin=disk.read_bytes())
    assert done.returncode == 1
    assert b"is larger than the disk" in done.stderr
    assert small.stat().st_size == 8 * MIB


def test_a_busybox_that_needs_a_library_is_refused(tmp_path: Path) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    shutil.copy("/bin/true", programs / "busybox")
    env = instance_env(make_disk(tmp_path / "disk0"), PATH=f"{programs}:/sbin:/bin:/usr/bin")
    done = script("create", env)
    assert done.returncode == 1
    assert b"is not static: install busybox-static" in done.stderr
