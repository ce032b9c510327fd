"""ovfconverter with the qemu-img found: packages of exports and back, and bad ones refused."""

import gzip
import hashlib
import os
import shutil
import subprocess
from pathlib import Path
from typing import Final

import pytest

from pyganeti.model.exported import ExportedDisk, parse
from tests.e2e.vcluster import BINDIR, Cluster, micro
from tools.machine import CHECKOUT

NAME: Final = "web1.example.com"
GOLDEN: Final = CHECKOUT / "tests/golden/ovf"
SIZES: Final = (64, 32)
MIB: Final = 1 << 20


@pytest.fixture
def export(tmp_path: Path) -> Path:
    """``config.ini`` of an export with two disks."""
    directory = tmp_path / "exported"
    directory.mkdir()
    for index, size in enumerate(SIZES):
        with (directory / f"disk{index}.raw").open("wb") as disk:
            disk.write(f"disk {index}".encode() * 1000)
            disk.truncate(size * MIB)
    config = directory / "config.ini"
    shutil.copy(GOLDEN / "exported.ini", config)
    return config


def convert(*words: object, code: int = 0) -> str:
    """Run it; what it said. Nothing is left of what it was doing."""
    argv = [str(BINDIR / "ovfconverter"), *map(str, words)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr


def package(export: Path, *words: str) -> Path:
    """Directory of a package of ``export``."""
    into = export.parent.parent / "package"
    convert("export", f"--output-dir={into}", *words, export)
    assert not [path for path in into.iterdir() if path.name.startswith(".")]
    return into


def digests(directory: Path) -> list[str]:
    return [
        hashlib.sha256((directory / f"disk{index}.raw").read_bytes()).hexdigest()
        for index in range(len(SIZES))
    ]


@pytest.mark.parametrize("form", ["raw", "cow", "vmdk"])
@pytest.mark.parametrize("more", [(), ("--compress",), ("--ova",), ("--compress", "--ova")])
def test_there_and_back(export: Path, tmp_path: Path, form: str, more: tuple[str, ...]) -> None:
    made = package(export, "-f", form, *more)
    suffix = ".gz" if "--compress" in more else ""
    files = [f"disk0.{form}{suffix}", f"disk1.{form}{suffix}", f"{NAME}.mf", f"{NAME}.ovf"]
    assert sorted(os.listdir(made)) == ([f"{NAME}.ova"] if "--ova" in more else files)
    source = made / (f"{NAME}.ova" if "--ova" in more else f"{NAME}.ovf")
    convert("import", f"--output-dir={tmp_path / 'back'}", source)
    (back,) = (tmp_path / "back").iterdir()
    assert back.name == NAME
    assert sorted(os.listdir(back)) == ["config.ini", "disk0.raw", "disk1.raw"]
    assert digests(back) == digests(export.parent)
    found, wanted = (parse((path / "config.ini").read_text()) for path in (back, export.parent))
    assert found.nics == tuple({k: nic[k] for k in nic if k != "name"} for nic in wanted.nics)
    assert found.disks == tuple(
        ExportedDisk(f"disk/{index}", f"disk{index}.raw", size) for index, size in enumerate(SIZES)
    )
    for field in ("name", "os", "disk_template", "hypervisor", "tags", "hvparams", "osparams"):
        assert getattr(found, field) == getattr(wanted, field), field
    assert found.beparams == {"memory": "1024", "vcpus": "2", "auto_balance": "True"}


def test_what_virtualbox_made(tmp_path: Path) -> None:
    shutil.copy(GOLDEN / "virtualbox.ovf", tmp_path)
    said = convert("import", f"--output-dir={tmp_path / 'back'}", tmp_path / "virtualbox.ovf",
                   code=1)  # fmt: skip
    assert "say with --os-type" in said
    words = ["-o", "img+x", "-n", "vm.example.com", f"--output-dir={tmp_path / 'back'}"]
    assert "lacks its file d.vmdk" in convert("import", *words, tmp_path / "virtualbox.ovf", code=1)
    assert list((tmp_path / "back").iterdir()) == []
    subprocess.run(["qemu-img", "create", "-q", "-f", "vmdk", tmp_path / "d.vmdk", "64M"],
                   check=True)  # fmt: skip
    convert("import", *words, tmp_path / "virtualbox.ovf")
    back = tmp_path / "back/vm.example.com"
    found = parse((back / "config.ini").read_text())
    # As Ganeti's program has it, which writes "auto" where nothing is known.
    ganetis = parse((GOLDEN / "virtualbox.ini").read_text())
    assert found.disks == tuple(
        ExportedDisk(disk.ivname, f"disk{index}.raw", disk.size, disk.name)
        for index, disk in enumerate(ganetis.disks)
    )
    for field in ("name", "os", "nics", "beparams", "hypervisor", "disk_template", "tags"):
        assert getattr(found, field) == getattr(ganetis, field), field
    assert "exists already" in convert("import", *words, tmp_path / "virtualbox.ovf", code=1)


def test_what_is_given_counts(export: Path, tmp_path: Path) -> None:
    made = package(export, "-f", "raw")
    words = ["-n", "other", "-o", "img", "-t", "plain", "-B", "maxmem=2g,minmem=1g", "--tags=x,y"]
    words += ["-H", "xen-pvm:root_path=/dev/xvda1", "-O", "a=b", "--net=0:link=br7"]
    words += ["--disk=0:size=1g", "--disk=1:size=100m"]
    convert("import", *words, f"--output-dir={tmp_path / 'back'}", made / f"{NAME}.ovf")
    found = parse((tmp_path / "back/other/config.ini").read_text())
    assert (found.name, found.os, found.disk_template) == ("other", "img", "plain")
    assert (found.hypervisor, found.hvparams) == ("xen-pvm", {"root_path": "/dev/xvda1"})
    assert found.osparams == {"a": "b"}
    assert found.tags == ("x", "y")
    assert found.nics == ({"mac": "auto", "link": "br7"},)
    assert [(disk.dump, disk.size) for disk in found.disks] == [(None, 1024), (None, 100)]
    balance = {"vcpus": "2", "auto_balance": "True"}
    assert found.beparams == {**balance, "maxmem": "2048", "minmem": "1024"}
    convert("import", "-t", "diskless", "--no-nics", f"--output-dir={tmp_path / 'more'}",
            made / f"{NAME}.ovf")  # fmt: skip
    assert os.listdir(tmp_path / "more" / NAME) == ["config.ini"]


def _other_file(made: Path, _secret: Path) -> None:
    made.joinpath("disk0.raw").write_bytes(b"x" * MIB)


def _link(made: Path, secret: Path) -> None:
    made.joinpath("disk0.raw").unlink()
    made.joinpath("disk0.raw").symlink_to(secret)


def _no_manifest(made: Path) -> None:
    made.joinpath(f"{NAME}.mf").unlink()


def _backing(made: Path, secret: Path) -> None:
    """An image that shows what stands in another file."""
    _no_manifest(made)
    create = ["qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw", "-b", str(secret)]
    subprocess.run([*create, made / "disk0.raw"], check=True)
    description = made / f"{NAME}.ovf"
    description.write_text(description.read_text().replace('"http://en.wiki', '"http://x'))


def _extent(made: Path, secret: Path) -> None:
    """The same as VMware's format can say it."""
    _no_manifest(made)
    made.joinpath("disk0.raw").write_text(
        "# Disk DescriptorFile\nversion=1\nCID=12345678\nparentCID=ffffffff\n"
        f'createType="monolithicFlat"\nRW 16 FLAT "{secret}" 0\n'
    )
    description = made / f"{NAME}.ovf"
    description.write_text(description.read_text().replace('"http://en.wiki', '"http://x'))


def _half_gzip(made: Path, _secret: Path) -> None:
    _no_manifest(made)
    data = gzip.compress(os.urandom(100_000))[:50_000]
    made.joinpath("disk0.raw").write_bytes(data)
    description = made / f"{NAME}.ovf"
    text = description.read_text()
    description.write_text(text.replace("<File ", '<File ovf:compression="gzip" '))


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (_other_file, "disk0.raw is not what its checksum"),
        (_link, "is no plain file"),
        (_backing, "shows what stands in another file"),
        (_extent, "shows what stands in another file"),
        (_half_gzip, "is no whole gzip file"),
    ],
)
def test_a_bad_package_leaves_nothing(
    export: Path, tmp_path: Path, damage: object, said: str
) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(b"secret" * 2000)
    made = package(export, "-f", "raw")
    assert callable(damage)
    damage(made, secret)
    into = tmp_path / "back"
    assert said in convert("import", f"--output-dir={into}", made / f"{NAME}.ovf", code=1)
    assert list(into.iterdir()) == []


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("disk0_dump = disk0.raw", "disk0_dump = gone", "lacks its file gone"),
        ("disk0_dump = disk0.raw", "", "disk/0 has no dump"),
        ("vcpus = 2", "", "how many CPUs"),
        ("version = 0", "version = 7", "version 7"),
        ("dhcp = yes", "a b = yes", "'a b' cannot be the name"),
    ],
)
def test_a_bad_export_leaves_nothing(
    export: Path, tmp_path: Path, old: str, new: str, said: str
) -> None:
    text = export.read_text()
    assert old in text
    export.write_text(text.replace(old, new))
    into = tmp_path / "package"
    assert said in convert("export", "-f", "raw", f"--output-dir={into}", export, code=1)
    assert not into.exists() or list(into.iterdir()) == []


def test_what_is_there_is_not_replaced(export: Path) -> None:
    before = sorted(os.listdir(export.parent))
    # The images would be called as the dumps are.
    assert "disk0.raw exists already" in convert("export", "-f", "raw", export, code=1)
    assert sorted(os.listdir(export.parent)) == before
    convert("export", "-f", "vmdk", export)
    assert f"{NAME}.ovf exists already" in convert("export", "-f", "cow", export, code=1)


def test_a_full_disk(export: Path, tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", small], check=True)
    try:
        with (export.parent / "disk0.raw").open("r+b") as disk:
            disk.write(os.urandom(8 * MIB))
        said = convert("export", "-f", "raw", f"--output-dir={small}", export, code=1)
        assert "No space left on device" in said
        assert list(small.iterdir()) == []
    finally:
        subprocess.run(["umount", small], check=True)


def test_a_guest_goes_through_a_package(cluster: Cluster) -> None:
    """Exported, made a package, made an export again under another name, imported, booted."""
    cluster.init()
    cluster.gnt("instance", "add", *micro("node1"), "--no-nics", "--ignore-ipolicy", NAME)
    cluster.console("node1", NAME, r"written", ask=b"\necho it > /mark; sync; echo writ''ten\n")
    cluster.gnt("instance", "shutdown", NAME)
    cluster.gnt("backup", "export", "-n", "node1", NAME)
    exports = cluster.root("node1") / "var/lib/ganeti/export"
    made = cluster.base / "package"
    convert("export", "-f", "vmdk", "--ova", f"--output-dir={made}", exports / NAME / "config.ini")
    other = "web2.example.com"
    done = cluster.run("node1", "ovfconverter", "import", "-n", other, str(made / f"{NAME}.ova"))
    assert done.returncode == 0, done.stderr
    assert cluster.gnt("backup", "list", "--no-headers").stdout.count(other) == 1
    cluster.gnt("backup", "import", "-n", "node1", "--ignore-ipolicy", other)
    cluster.gnt("instance", "startup", other)
    cluster.console("node1", other, r"mark is it", ask=b"\necho mark is $(cat /mark)\n")


def test_a_package_that_says_little_is_imported(cluster: Cluster) -> None:
    """Neither hypervisor nor template: the cluster's, or what the command says."""
    cluster.init(hypervisor="fake")
    cluster.add_os(CHECKOUT / "tests/golden/ganeti/os/toy")
    shutil.copy(GOLDEN / "virtualbox.ovf", cluster.base)
    create = ["qemu-img", "create", "-q", "-f", "vmdk", str(cluster.base / "d.vmdk"), "64M"]
    subprocess.run(create, check=True)
    words = ["-o", "toy+plain", "-n", "vm1", "--no-nics", str(cluster.base / "virtualbox.ovf")]
    done = cluster.run("node1", "ovfconverter", "import", *words)
    assert done.returncode == 0, done.stderr
    into = ["-n", "node1", "--ignore-ipolicy", "--no-name-check", "--no-ip-check", "vm1"]
    refused = cluster.gnt("backup", "import", *into, code=None)
    assert refused.returncode == 1
    assert "give a template" in refused.stderr
    cluster.gnt("backup", "import", "-t", "file", *into)
    fields = "name,disk_template,hypervisor,be/maxmem,disk.sizes"
    assert cluster.listed("instance", fields) == [["vm1", "file", "fake", "512", "64"]]
