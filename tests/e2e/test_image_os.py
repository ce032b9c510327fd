"""The OS definition ``image`` in a cluster: an image boots, its seed is there, secrets are not."""

import hashlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.test_micro_os import MICRO, instance_env, make_disk
from tests.e2e.vcluster import MASTER, Cluster, virtual_cluster
from tools.machine import CHECKOUT

WEB = "web1.example.com"
SECRET = "hunter2-of-web1"


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    with virtual_cluster(size=1) as made:
        made.init()
        made.add_os(CHECKOUT / "os" / "image")
        yield made


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """A qcow2 image with the micro guest on it."""
    raw, made = make_disk(tmp_path / "raw"), tmp_path / "micro.qcow2"
    env = {"PATH": os.environ["PATH"], **instance_env(raw)}
    subprocess.run([str(MICRO / "create")], env=env, check=True, capture_output=True)
    argv = ["qemu-img", "convert", "-q", "-f", "raw", "-O", "qcow2", "-c", str(raw), str(made)]
    subprocess.run(argv, check=True)
    return made


def add(cluster: Cluster, image: Path, *, code: int = 0, **parameters: str) -> str:
    words = ["-t", "file", "--disk", "0:size=32m", "--disk", "1:size=16m", "-o", "image+default"]
    words += ["-n", MASTER, "-B", "memory=128m", "--no-nics", "--ignore-ipolicy"]
    told = {"image": str(image), "format": "qcow2", "seed_disk": "1", **parameters}
    words += ["-O", ",".join(f"{name}={value}" for name, value in told.items())]
    words += ["--os-parameters-secret", f"user_data={SECRET}"]
    done = cluster.gnt("instance", "add", *words, WEB, code=code)
    return done.stdout + done.stderr


def said_anywhere(cluster: Cluster, text: str) -> list[Path]:
    """Files of the cluster, disks left out, that hold a text."""
    files = (path for path in cluster.base.rglob("*") if path.is_file() and not path.is_symlink())
    ours = (path for path in files if "file-storage" not in str(path))
    return [path for path in ours if text.encode() in path.read_bytes()]


def test_an_image_boots_and_has_its_seed(cluster: Cluster, image: Path) -> None:
    digest = hashlib.sha256(image.read_bytes()).hexdigest()
    add(cluster, image, sha256=digest)
    cluster.console(MASTER, WEB, r"micro: (\S+) is up")
    ask = b"\necho se''ed: $(dd if=/dev/vdb bs=1 skip=43 count=6 2>/dev/null)\n"
    cluster.console(MASTER, WEB, r"seed: CIDATA", ask=ask)
    (seed,) = [path for path in cluster.base.rglob("*.disk1") if path.is_file()]
    assert SECRET.encode() in seed.read_bytes()
    cluster.gnt("instance", "shutdown", "--timeout=5", WEB)
    assert said_anywhere(cluster, SECRET) == []


def test_a_wrong_checksum_leaves_nothing(cluster: Cluster, image: Path) -> None:
    said = add(cluster, image, code=1, sha256="0" * 64)
    assert SECRET not in said
    assert cluster.listed("instance", "name") == []
    assert cluster.images() == []
    logs = (cluster.root(MASTER) / "var/log/ganeti/os").glob("*.log")
    assert any("expected 0000" in path.read_text() for path in logs)
