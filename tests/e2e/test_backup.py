"""Exports between the nodes of a virtual cluster: real daemons, TLS, scripts and files."""

import subprocess
from pathlib import Path

import pytest

from tests.e2e.test_kill import job_status
from tests.e2e.vcluster import Cluster, virtual_cluster, wait_for

NAME = "web1.example.com"
OURS = ("config.ini", "SHA256SUMS")
DESCRIBED = "name,os,pnode,disk_template,disk.sizes,be/maxmem,be/vcpus,nic.macs,nic.links"


def slow_os(tmp: Path) -> Path:
    """An OS whose export script writes the first half, and the rest when it is told to."""
    definition = tmp / "slow"
    definition.mkdir()
    texts = {
        "ganeti_api_version": "20\n",
        "variants.list": "",
        "parameters.list": "",
        "create": """#!/bin/sh
yes "disk $DISK_0_UUID" | head -c 8000000 | dd of="$DISK_0_PATH" conv=notrunc
""",
        "export": f"""#!/bin/sh
head -c 3000000 "$EXPORT_DEVICE"
touch "{tmp}/half"
until [ -e "{tmp}/go" ]; do sleep 0.1; done
tail -c +3000001 "$EXPORT_DEVICE"
""",
        "import": '#!/bin/sh\nexec dd of="$IMPORT_DEVICE" bs=1M conv=notrunc\n',
        "rename": "#!/bin/sh\n",
        "verify": "#!/bin/sh\n",
    }
    for name, text in texts.items():
        (definition / name).write_text(text)
        (definition / name).chmod(0o755)
    return definition


def make(cluster: Cluster, os_name: str, size: str = "64m") -> Path:
    """A stopped instance on ``node1``; its disk."""
    words = (
        "-t",
        "file",
        "--disk",
        f"0:size={size}",
        "-o",
        os_name,
        "-n",
        "node1",
        "--no-start",
        "--ignore-ipolicy",
    )
    cluster.gnt("instance", "add", *words, "--no-nics", NAME)
    (image,) = cluster.images()
    return cluster.base / image


def export_dir(cluster: Cluster, node: str) -> Path:
    return cluster.root(node) / "var/lib/ganeti/export"


def check_whole(cluster: Cluster, node: str, disk: Path) -> None:
    """The export on a node is whole, and has what is on the disk."""
    assert cluster.listed("backup", "node,export") == [[node, NAME]]
    (directory,) = export_dir(cluster, node).iterdir()
    subprocess.run(["sha256sum", "--quiet", "-c", "SHA256SUMS"], cwd=directory, check=True)
    (dump,) = (path for path in directory.iterdir() if path.name not in OURS)
    assert dump.read_bytes() == disk.read_bytes()


@pytest.mark.parametrize("compress", ["none", "gzip-fast"])
def test_an_export_has_what_is_on_the_disk(compress: str) -> None:
    with virtual_cluster(size=2) as cluster:
        cluster.init(hypervisor="fake")
        cluster.add_nodes()
        disk = make(cluster, "micro+default")
        for node in ("node1", "node2"):
            words = (f"--transport-compression={compress}", "-n", node)
            cluster.gnt("backup", "export", *words, NAME)
            check_whole(cluster, node, disk)
        cluster.gnt("backup", "remove", NAME)
        assert cluster.listed("backup", "export") == []
        assert cluster.gnt("cluster", "verify").returncode == 0


def test_an_export_outlives_the_master_and_the_target(tmp_path: Path) -> None:
    with virtual_cluster(size=2) as cluster:
        cluster.init(hypervisor="fake")
        cluster.add_os(slow_os(tmp_path))
        cluster.add_nodes()
        disk = make(cluster, "slow")
        said = cluster.gnt("backup", "export", "--submit", "-n", "node2", NAME)
        job = said.stderr.strip().rpartition(" ")[2]
        wait_for((tmp_path / "half").exists, 60, "half of it")
        cluster.kill9("ganeti-masterd")
        cluster.kill9("ganeti-noded", "node2")
        cluster.start_daemons()
        (tmp_path / "go").touch()
        wait_for(lambda: job_status(cluster, job) not in ("running", "waiting"), 120, "its end")
        assert job_status(cluster, job) == "success", cluster.gnt("job", "info", job).stdout
        check_whole(cluster, "node2", disk)


def test_an_export_whose_source_is_killed_leaves_the_older_one(tmp_path: Path) -> None:
    with virtual_cluster(size=2) as cluster:
        cluster.init(hypervisor="fake")
        cluster.add_os(slow_os(tmp_path))
        cluster.add_nodes()
        disk = make(cluster, "slow")
        (tmp_path / "go").touch()
        cluster.gnt("backup", "export", "-n", "node2", NAME)
        for mark in ("go", "half"):
            (tmp_path / mark).unlink()
        said = cluster.gnt("backup", "export", "--submit", "-n", "node2", NAME)
        job = said.stderr.strip().rpartition(" ")[2]
        wait_for((tmp_path / "half").exists, 60, "half of it")
        cluster.kill9("ganeti-noded", "node1")
        cluster.start_daemons()
        wait_for(lambda: job_status(cluster, job) == "error", 120, "its end")
        # The source was away when the rest was to be removed: that is tried again.
        exports = export_dir(cluster, "node2")
        wait_for(lambda: [path.name for path in exports.iterdir()] == [NAME], 90, "the rest to go")
        check_whole(cluster, "node2", disk)


@pytest.mark.parametrize("compress", ["none", "gzip"])
def test_what_was_exported_and_removed_comes_back(tmp_path: Path, compress: str) -> None:
    with virtual_cluster(size=2) as cluster:
        cluster.init(hypervisor="fake")
        cluster.add_os(slow_os(tmp_path))
        cluster.add_nodes()
        (tmp_path / "go").touch()
        before = make(cluster, "slow").read_bytes()
        described = cluster.listed("instance", DESCRIBED)
        cluster.gnt("backup", "export", "-n", "node2", "--remove-instance", NAME)
        assert cluster.images() == []
        cluster.gnt(
            "backup", "import", "-n", "node1", "--ignore-ipolicy", f"--compress={compress}", NAME
        )
        (image,) = cluster.images()
        assert (cluster.base / image).read_bytes() == before
        assert cluster.listed("instance", DESCRIBED) == described
        assert cluster.gnt("cluster", "verify").returncode == 0


def test_a_damaged_export_is_not_imported(tmp_path: Path) -> None:
    with virtual_cluster(size=2) as cluster:
        cluster.init(hypervisor="fake")
        cluster.add_os(slow_os(tmp_path))
        cluster.add_nodes()
        (tmp_path / "go").touch()
        make(cluster, "slow")
        cluster.gnt("backup", "export", "-n", "node2", "--remove-instance", NAME)
        (directory,) = export_dir(cluster, "node2").iterdir()
        (dump,) = (path for path in directory.iterdir() if path.name not in OURS)
        with dump.open("r+b") as handle:
            handle.seek(5_000_000)
            handle.write(b"\0")
        said = cluster.gnt(
            "backup", "import", "-n", "node1", "--ignore-ipolicy", NAME, code=1
        ).stderr
        assert f"{dump.name} is damaged" in said
        assert cluster.images() == []
        assert cluster.listed("instance", "name") == []
