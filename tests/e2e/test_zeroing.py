"""Free space of a disk is zeroed by a real guest before the disk is exported.

The image is a boot sector: it writes zeros to one sector of the second disk and powers off.
"""

import subprocess
from pathlib import Path

from tests.e2e.vcluster import virtual_cluster

WEB = "web1.example.com"
SECTOR = 2048
BOOT = bytes.fromhex(
    "31c0 8ed8 8ec0"  # ax = ds = es = 0
    "bf007e b90001 f3ab"  # 512 bytes of zeros at 0x7e00
    "be407c b281 b80043 cd13"  # int 13h: write what 0x7c40 says to the second disk
    "ba0406 b80020 ef"  # ACPI: power off
    "f4 ebfd"
)
# Size, sectors, offset and segment of the buffer, sector on the disk.
PACKET = bytes.fromhex("1000 0100 007e 0000") + SECTOR.to_bytes(8, "little")


def boot_sector(path: Path) -> None:
    code = BOOT.ljust(0x40, b"\0") + PACKET
    path.write_bytes(code.ljust(510, b"\0") + b"\x55\xaa" + bytes(1 << 20))


def test_what_is_free_takes_no_space_in_the_export(tmp_path: Path) -> None:
    image = tmp_path / "zero.img"
    boot_sector(image)
    with virtual_cluster(size=2) as cluster:
        cluster.init("--zeroing-image", str(image))
        cluster.add_nodes()
        words = ("-t", "file", "--disk", "0:size=64m", "-o", "micro+default", "-n", "node1")
        cluster.gnt("instance", "add", *words, "--no-start", "--no-nics", "--no-install",
                    "--ignore-ipolicy", "-B", "memory=64m", WEB)  # fmt: skip
        (disk,) = map(cluster.base.joinpath, cluster.images())
        with disk.open("r+b") as content:
            content.seek((SECTOR - 1) * 512)
            content.write(b"x" * 3 * 512)

        export = (
            "backup",
            "export",
            "-n",
            "node2",
            "--transport-compression",
            "gzip",
            "--zero-free-space",
        )
        cluster.gnt(*export, "--zeroing-timeout-fixed=120", WEB)
        place = cluster.root("node2") / "var/lib/ganeti/export" / WEB
        (dump,) = [path for path in place.iterdir() if path.stat().st_size > 1 << 20]
        around = dump.read_bytes()[(SECTOR - 1) * 512 : (SECTOR + 2) * 512]
        assert around == b"x" * 512 + bytes(512) + b"x" * 512
        assert cluster.guests() == []
        assert cluster.runtime_files() == []
        assert list((cluster.root("node1") / "var/lib/ganeti/helpers").iterdir()) == []

        image.write_bytes(bytes(1 << 20))  # boots nothing, and stays
        done = cluster.gnt(*export, "--zeroing-timeout-fixed=5", "--zeroing-timeout-per-mib=0",
                           WEB, code=None)  # fmt: skip
        assert "has not ended after 5 s" in done.stderr
        assert cluster.guests() == []
        cluster.gnt("cluster", "verify")
        subprocess.run(("cmp", str(disk), str(dump)), check=True)
