"""The OS definition ``image``: its scripts, run as a node runs them, on files in place of disks."""

import hashlib
import json
import os
import shutil
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import HTTPServer, SimpleHTTPRequestHandler
from pathlib import Path

import pytest

from tools.machine import CHECKOUT

IMAGE_OS = CHECKOUT / "os" / "image"
QEMU_IMG = shutil.which("qemu-img")
MIB = 1 << 20
# Looked for in all that is said.
SECRET = "hunter2"

needs_qemu_img = pytest.mark.skipif(QEMU_IMG is None, reason="qemu-img is not installed")


def disk(tmp_path: Path, number: int, mib: int) -> Path:
    path = tmp_path / f"disk{number}"
    # What was there before must not shine through.
    path.write_bytes(os.urandom(mib * MIB))
    return path


def environ(tmp_path: Path, *disks: Path, **osp: str) -> dict[str, str]:
    found = {
        "PATH": os.environ["PATH"],
        "INSTANCE_NAME": "web1.example.com",
        "INSTANCE_UUID": "11111111-2222-3333-4444-555555555555",
        "DISK_COUNT": str(len(disks)),
        "NIC_COUNT": "2",
        "NIC_0_MAC": "AA:00:00:00:00:01",
        "NIC_0_IP": "192.0.2.10",
        "NIC_0_NETWORK_SUBNET": "192.0.2.0/24",
        "NIC_0_NETWORK_GATEWAY": "192.0.2.1",
        "NIC_1_MAC": "aa:00:00:00:00:02",
    }
    found |= {f"DISK_{number}_PATH": str(path) for number, path in enumerate(disks)}
    return found | {f"OSP_{name.upper()}": value for name, value in osp.items()}


Done = subprocess.CompletedProcess[bytes]


def script(name: str, env: dict[str, str], stdin: bytes = b"") -> Done:
    done = subprocess.run(
        [str(IMAGE_OS / name), *(["parameters"] if name == "verify" else [])],
        env=env, input=stdin, capture_output=True, timeout=120, check=False,
    )  # fmt: skip
    assert SECRET.encode() not in done.stderr
    return done


def refused(env: dict[str, str], name: str = "create") -> str:
    done = script(name, env)
    assert (done.returncode, done.stdout) == (1, b"")
    (line,) = done.stderr.decode().splitlines()[-1:]
    return line


def raw_image(tmp_path: Path, size: int = 2 * MIB) -> Path:
    path = tmp_path / "image.raw"
    path.write_bytes(os.urandom(size // 2) + bytes(size - size // 2))
    return path


def qcow2(tmp_path: Path, *words: str, source: Path | None = None) -> Path:
    path, raw = tmp_path / "image.qcow2", source or raw_image(tmp_path)
    argv = [QEMU_IMG or "", "convert", "-f", "raw", "-O", "qcow2", *words, str(raw), str(path)]
    subprocess.run(argv, check=True)
    return path


@needs_qemu_img
@pytest.mark.parametrize("kind", ["raw", "qcow2", "compressed"])
def test_installs_an_image(tmp_path: Path, kind: str) -> None:
    raw = raw_image(tmp_path)
    image = raw if kind == "raw" else qcow2(tmp_path, *(["-c"] if kind == "compressed" else []))
    target = disk(tmp_path, 0, 4)
    digest = hashlib.sha256(image.read_bytes()).hexdigest().upper()
    form = "raw" if kind == "raw" else "qcow2"
    done = script("create", environ(tmp_path, target, image=str(image), format=form, sha256=digest))
    assert done.returncode == 0, done.stderr
    assert target.read_bytes()[: 2 * MIB] == raw.read_bytes()
    assert target.stat().st_size == 4 * MIB


LIES = [
    (b"QFI\xfb\0\0\0\3", "raw", "a qcow2 image, but its format is said to be raw"),
    (b"\x1f\x8b\x08", "raw", "compressed by gzip"),
    (b"KDMV", "raw", "a VMDK image"),
    (b"plain bytes", "qcow2", "no qcow2 image, as its format says"),
    (b"QFI\xfb\0\0\0\3", "qcow2", "no qcow2 image"),
    (b"", "raw", "the image is empty"),
    (b"x" * 100, "vmdk", "format is 'vmdk', expected one of raw, qcow2"),
]


@pytest.mark.parametrize(("content", "form", "said"), LIES)
def test_an_image_that_is_not_what_it_is_said_to_be(
    tmp_path: Path, content: bytes, form: str, said: str
) -> None:
    image, target = tmp_path / "image", disk(tmp_path, 0, 1)
    image.write_bytes(content)
    before = target.read_bytes()
    assert said in refused(environ(tmp_path, target, image=str(image), format=form))
    assert target.read_bytes() == before


def header(**fields: int) -> bytes:
    """The beginning of a qcow2 image with these fields."""
    base = struct.pack(
        ">4sIQIIQIIQQIIQQQQII", b"QFI\xfb", fields.get("version", 3), fields.get("backing", 0),
        fields.get("backing_size", 0), 16, fields.get("size", MIB), fields.get("encryption", 0),
        1, 3 << 16, 1 << 16, 1, 0, 0, fields.get("features", 0), 0, 0, 4, 104,
    )  # fmt: skip
    return base.ljust(4 << 16, b"\0")


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"version": 1}, "version 1 of qcow2"),
        ({"backing": 600, "backing_size": 11}, "based on another"),
        ({"encryption": 1}, "encrypted"),
        ({"features": 4}, "data in another file"),
        ({"features": 2}, "corrupt"),
        ({"features": 1 << 40}, "not known"),
        ({"size": 0}, "is empty"),
        ({"size": 1 << 62}, "needs a disk of 4398046511104 MiB, disk 0 has 1"),
    ],
)
def test_images_that_would_read_other_files_or_lie(
    tmp_path: Path, fields: dict[str, int], said: str
) -> None:
    image, target = tmp_path / "image", disk(tmp_path, 0, 1)
    image.write_bytes(header(**fields))
    before = target.read_bytes()
    assert said in refused(environ(tmp_path, target, image=str(image), format="qcow2"))
    assert target.read_bytes() == before


@needs_qemu_img
def test_an_image_that_is_cut_off(tmp_path: Path) -> None:
    image, target = qcow2(tmp_path), disk(tmp_path, 0, 4)
    with open(image, "r+b") as file:
        file.truncate(image.stat().st_size // 2)
    before = target.read_bytes()
    assert "damaged" in refused(environ(tmp_path, target, image=str(image), format="qcow2"))
    assert target.read_bytes() == before


def test_a_disk_that_is_too_small_and_a_wrong_checksum(tmp_path: Path) -> None:
    image, target = raw_image(tmp_path), disk(tmp_path, 0, 1)
    before = target.read_bytes()
    env = environ(tmp_path, target, image=str(image))
    assert "needs a disk of 2 MiB, disk 0 has 1" in refused(env)
    found = hashlib.sha512(image.read_bytes()).hexdigest()
    env["OSP_SHA512"] = "0" * 128
    assert f"has the sha512 {found}, expected 000" in refused(env)
    assert target.read_bytes() == before


@pytest.mark.parametrize(
    ("osp", "said"),
    [
        ({}, "image is not set"),
        ({"image": "relative"}, "an absolute path or an address"),
        ({"image": "ftp://x/y"}, "http or https"),
        ({"image": "https://x/y"}, "needs sha256 or sha512"),
        ({"image": "/x", "sha256": "abc"}, "64 hexadecimal digits"),
        ({"image": "/x", "seed_disk": "one"}, "seed_disk is 'one'"),
        ({"image": "/x", "seed_disk": "0"}, "the disk of the image"),
        ({"image": "/x", "user_data": SECRET}, "user_data needs seed_disk"),
        ({"image": "/x", "seed_disk": "1", "hostname": f"-{SECRET}"}, "no name of a host"),
        ({"image": "/x", "seed_disk": "1", "ssh_keys": f'a;"{SECRET}'}, "no public key"),
        (
            {"image": "/x", "seed_disk": "1", "user_data": SECRET, "user_data_file": "/y"},
            "exclude each other",
        ),
    ],
)
def test_wrong_parameters_are_refused_by_name(
    tmp_path: Path, osp: dict[str, str], said: str
) -> None:
    assert said in refused(environ(tmp_path, **osp), "verify")


@pytest.mark.parametrize("place", ["/no/image", "/dev/zero", "/"])
def test_what_is_no_file(tmp_path: Path, place: str) -> None:
    env = environ(tmp_path, disk(tmp_path, 0, 1), image=place)
    assert f"image {place}" in refused(env)


def test_disks_that_are_not_there_or_read_only(tmp_path: Path) -> None:
    image = raw_image(tmp_path)
    assert "there is no disk 0" in refused(environ(tmp_path, image=str(image)))
    env = environ(tmp_path, disk(tmp_path, 0, 4), image=str(image), seed_disk="1")
    assert "there is no disk 1" in refused(env)
    env |= {"DISK_0_ACCESS": "ro", "OSP_SEED_DISK": ""}
    assert "disk 0 is read-only" in refused(env)


@contextmanager
def served(directory: Path) -> Iterator[str]:
    handler = partial(SimpleHTTPRequestHandler, directory=str(directory))
    with HTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@needs_qemu_img
def test_fetches_an_image_and_refuses_another_one(tmp_path: Path) -> None:
    (tmp_path / "web").mkdir()
    image, target = raw_image(tmp_path / "web"), disk(tmp_path, 0, 2)
    digest = hashlib.sha256(image.read_bytes()).hexdigest()
    with served(tmp_path / "web") as address:
        env = environ(tmp_path, target, image=f"{address}/image.raw", sha256=digest)
        assert script("create", env).returncode == 0
        assert target.read_bytes() == image.read_bytes()
        assert "sha256" in refused(env | {"OSP_SHA256": "0" * 64})
        assert "could not be fetched" in refused(env | {"OSP_IMAGE": f"{address}/{SECRET}"})


def test_export_and_import_carry_the_disk(tmp_path: Path) -> None:
    source, target = disk(tmp_path, 0, 1), disk(tmp_path, 1, 1)
    env = environ(tmp_path)
    done = script("export", env | {"EXPORT_DEVICE": str(source)})
    assert (done.returncode, done.stdout) == (0, source.read_bytes())
    assert script("import", env | {"IMPORT_DEVICE": str(target)}, done.stdout).returncode == 0
    assert target.read_bytes() == source.read_bytes()
    done = script("import", env | {"IMPORT_DEVICE": str(target)}, done.stdout + b"x")
    assert done.returncode == 1
    assert b"larger than the disk" in done.stderr
    assert target.stat().st_size == MIB


# --- the seed


def seed(tmp_path: Path, **osp: str) -> tuple[dict[str, str], Path]:
    """Environment for a guest with a seed on disk 1, and that disk."""
    disks = disk(tmp_path, 0, 4), disk(tmp_path, 1, 9)
    osp = {"image": str(raw_image(tmp_path)), "seed_disk": "1", **osp}
    return environ(tmp_path, *disks, **osp), disks[1]


def files_of(path: Path) -> dict[str, str]:
    """Files in the root directory of a FAT16 file system, by their long names."""
    data = path.read_bytes()
    size, cluster, reserved, fats, entries = struct.unpack_from("<HBHBH", data, 11)
    (per_fat,) = struct.unpack_from("<H", data, 22)
    root = (reserved + fats * per_fat) * size
    first = root + entries * 32
    found, name = {}, b""
    for at in range(root, first, 32):
        entry = data[at : at + 32]
        if entry[11] == 0x0F:
            name = entry[1:11] + entry[14:26] + entry[28:32] + name
        elif entry[0] and not entry[11] & 8:
            (number, length) = struct.unpack_from("<HI", entry, 26)
            place = first + (number - 2) * size * cluster
            text = name.decode("utf-16-le").partition("\0")[0].rstrip("\uffff")
            found[text] = data[place : place + length].decode()
            name = b""
    return found


@needs_qemu_img
def test_the_seed_says_who_the_guest_is(tmp_path: Path) -> None:
    env, where = seed(tmp_path, ssh_keys="ssh-ed25519 AAA me; ssh-rsa BBB you")
    done = script("create", env)
    assert done.returncode == 0, done.stderr
    found = files_of(where)
    assert found["meta-data"] == (
        "instance-id: 11111111-2222-3333-4444-555555555555\nlocal-hostname: web1.example.com\n"
    )
    head, _, rest = found["user-data"].partition("\n")
    assert head == "#cloud-config"
    assert json.loads(rest) == {
        "hostname": "web1",
        "fqdn": "web1.example.com",
        "manage_etc_hosts": True,
        "ssh_authorized_keys": ["ssh-ed25519 AAA me", "ssh-rsa BBB you"],
    }
    assert json.loads(found["network-config"])["ethernets"] == {
        "nic0": {
            "match": {"macaddress": "aa:00:00:00:00:01"},
            "addresses": ["192.0.2.10/24"],
            "routes": [{"to": "0.0.0.0/0", "via": "192.0.2.1"}],
        },
        "nic1": {"match": {"macaddress": "aa:00:00:00:00:02"}, "dhcp4": True},
    }
    if shutil.which("blkid"):
        said = subprocess.run(
            ["blkid", "-p", "-o", "export", str(where)], capture_output=True, text=True, check=True
        ).stdout
        assert "LABEL=CIDATA" in said
        assert "TYPE=vfat" in said


@needs_qemu_img
@pytest.mark.skipif(
    None in (shutil.which("fsck.fat"), shutil.which("mtype")),
    reason="dosfstools or mtools are not installed",
)
def test_others_read_the_seed_as_we_mean_it(tmp_path: Path) -> None:
    config = "#cloud-config\n" + "# of many clusters\n" * 4000
    env, where = seed(tmp_path, user_data=config, network_config="none")
    assert script("create", env).returncode == 0
    subprocess.run(["fsck.fat", "-n", str(where)], check=True, capture_output=True)
    for name, text in files_of(where).items():
        argv = ["mtype", "-i", str(where), f"::/{name}"]
        said = subprocess.run(argv, capture_output=True, text=True, check=True).stdout
        assert said == text
    assert files_of(where)["user-data"] == config


@needs_qemu_img
def test_own_user_data_stays_secret_and_a_rename_keeps_the_identity(tmp_path: Path) -> None:
    config = f"#cloud-config\npassword: {SECRET}\n" + "# long\n" * 1000
    env, where = seed(tmp_path, user_data=config, network_config="none", meta_data="level: 3")
    assert script("create", env).returncode == 0
    first = files_of(where)
    assert first.keys() == {"meta-data", "user-data"}
    assert first["user-data"] == config
    assert first["meta-data"].endswith("\nlevel: 3\n")
    image = (tmp_path / "disk0").read_bytes()
    done = script("rename", env | {"INSTANCE_NAME": "web2", "OLD_INSTANCE_NAME": "web1"})
    assert done.returncode == 0
    renamed = files_of(where)["meta-data"]
    assert "local-hostname: web2" in renamed
    assert first["meta-data"].splitlines()[0] in renamed
    assert (tmp_path / "disk0").read_bytes() == image


def test_user_data_from_a_file_that_is_missing_or_too_large(tmp_path: Path) -> None:
    env, _ = seed(tmp_path, user_data_file="/no/file")
    assert "user_data_file: No such file" in refused(env)
    large = tmp_path / "large"
    large.write_bytes(b"x" * 9 * MIB)
    assert "do not fit" in refused(env | {"OSP_USER_DATA_FILE": str(large)})


def test_a_seed_disk_that_is_too_small_is_refused_before_the_image_is_written(
    tmp_path: Path,
) -> None:
    env, where = seed(tmp_path)
    with open(where, "r+b") as file:
        file.truncate(4 * MIB)
    before = (tmp_path / "disk0").read_bytes()
    assert "disk 1 is too small: a seed needs 8 MiB" in refused(env)
    assert (tmp_path / "disk0").read_bytes() == before


def test_it_is_an_os_definition(tmp_path: Path) -> None:
    for name in ("create", "export", "import", "rename", "verify"):
        assert os.access(IMAGE_OS / name, os.X_OK)
    listed = {line.split()[0] for line in (IMAGE_OS / "parameters.list").read_text().splitlines()}
    code = (IMAGE_OS / "image_os" / "settings.py").read_text()
    assert all(f'"{name}"' in code for name in listed)
    assert sys.version_info >= (3, 11)
