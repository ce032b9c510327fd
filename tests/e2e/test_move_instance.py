"""``move-instance`` between two virtual clusters: what is on the disks, and what stays behind."""

import base64
import ssl
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from http import HTTPStatus
from http.client import HTTPSConnection
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import pytest

from tests.e2e.test_backup import NAME, make, slow_os
from tests.e2e.vcluster import BINDIR, MASTER, Cluster, virtual_cluster, wait_for

PASSWORD: Final = "f0r-moves"
ALLOCATOR: Final = f"""#!/bin/sh
echo '{{"success": true, "info": "", "result": ["{MASTER}"]}}'
"""
_BOUNDS: Final = (
    "min:disk-size=0,cpu-count=1,disk-count=0,memory-size=1,nic-count=0,spindle-use=0/"
    "max:disk-size=9999,cpu-count=8,disk-count=9,memory-size=9999,nic-count=8,spindle-use=12"
)
POLICY: Final = ("--ipolicy-std-specs=disk-size=16", f"--ipolicy-bounds-specs={_BOUNDS}")
Pair = tuple[Cluster, Cluster]


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    """Where the OS definition and the files for the tool are; a short name, for sockets."""
    with TemporaryDirectory(prefix="t-", dir="/tmp") as found:
        yield Path(found)


@pytest.fixture(scope="module")
def founded(place: Path) -> Iterator[Pair]:
    """Two clusters of one node with the same domain secret, users and files for the tool."""
    with ExitStack() as stack:
        definition = slow_os(place)
        first, second = (stack.enter_context(virtual_cluster(size=1)) for _ in range(2))
        secret = place / "secret"
        for number, cluster in enumerate((first, second)):
            cluster.init(*POLICY, hypervisor="fake")
            cluster.add_os(definition)
            allocators = cluster.root(MASTER) / "usr/local/lib/ganeti/iallocators"
            allocators.mkdir(parents=True)
            (allocators / "here").write_text(ALLOCATOR)
            (allocators / "here").chmod(0o755)
            data = cluster.root(MASTER) / "var/lib/ganeti"
            if cluster is first:
                secret.write_bytes((data / "cluster-domain-secret").read_bytes())
            words = (f"--cluster-domain-secret={secret}", "--force")
            cluster.gnt("cluster", "renew-crypto", *words)
            (data / "rapi").mkdir(exist_ok=True)
            (data / "rapi/users").write_text(f"mover {PASSWORD} write\n")
            wait_for(partial(knows, cluster), 30, "the users to be read")
            pem = ssl.get_server_certificate((cluster.address(MASTER), 5080))
            (place / f"ca{number}").write_text(pem)
        (place / "password").write_text(f"{PASSWORD}\n")
        (place / "wrong").write_text("something-else\n")
        yield first, second


@pytest.fixture
def pair(founded: Pair, place: Path) -> Iterator[Pair]:
    """The two clusters, without instances; exports do not wait."""
    (place / "half").unlink(missing_ok=True)
    (place / "go").touch()
    yield founded
    for cluster in founded:
        for name in names_of(cluster):
            cluster.gnt("instance", "remove", "--force", "--shutdown-timeout=0", name)


def knows(cluster: Cluster) -> bool:
    """Whether the REST daemon has read its users."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    word = base64.b64encode(f"mover:{PASSWORD}".encode()).decode()
    connection = HTTPSConnection(cluster.address(MASTER), 5080, context=context, timeout=10)
    try:
        connection.request("GET", "/version", headers={"Authorization": f"Basic {word}"})
        return connection.getresponse().status == HTTPStatus.OK
    except OSError:
        return False
    finally:
        connection.close()


@contextmanager
def begun(
    pair: Pair, place: Path, *words: str, names: Sequence[str] = (NAME,), **files: str
) -> Iterator["subprocess.Popen[str]"]:
    """The tool, which is ended if a test fails meanwhile."""
    argv = [str(BINDIR / "move-instance"), "-v", "--src-username=mover"]
    argv += [f"--src-password-file={place / files.get('password', 'password')}"]
    argv += [f"--dest-password-file={place / files.get('theirs', 'password')}"]
    argv += [f"--src-ca-file={place / files.get('ca', 'ca0')}", f"--dest-ca-file={place / 'ca1'}"]
    argv += [*words, *(cluster.address(MASTER) for cluster in pair), *names]
    pipe = subprocess.PIPE
    with subprocess.Popen(argv, stdout=pipe, stderr=pipe, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def move(
    pair: Pair,
    place: Path,
    *words: str,
    code: int = 0,
    names: Sequence[str] = (NAME,),
    **files: str,
) -> str:
    """Run the tool to its end; what it said, of errors alone where it is to fail."""
    with begun(pair, place, *words, names=names, **files) as process:
        out, err = process.communicate(timeout=240)
    assert process.returncode == code, out + err
    assert PASSWORD not in out + err
    return err if code else out


def names_of(cluster: Cluster) -> list[str]:
    return [row[0] for row in cluster.listed("instance", "name")]


def keys(cluster: Cluster) -> list[Path]:
    return list((cluster.root(MASTER) / "var/run/ganeti/crypto").glob("*"))


def contents(cluster: Cluster) -> list[bytes]:
    return [(cluster.base / path).read_bytes() for path in cluster.images()]


HERE = f"--dest-primary-node={MASTER}"
DESCRIBED = "name,status,be/vcpus,be/maxmem,nic.macs,nic.links,disk.sizes"


def add(cluster: Cluster, name: str, ip: str) -> None:
    """An instance with a disk of its own, and a NIC; it runs."""
    disk = ("-t", "file", "--disk", "0:size=16m", "-o", "slow", "-n", MASTER, "-B", "vcpus=2")
    cluster.gnt("instance", "add", *disk, "--net", f"0:mode=routed,link=l,ip={ip}", name)


def test_an_instance_moves_with_what_is_on_its_disk(pair: Pair, place: Path) -> None:
    source, destination = pair
    before = make(source, "slow").read_bytes()
    words = (HERE, "--dest-instance-name=web9.example.com", "-B", "vcpus=2", "--compress=gzip")
    move(pair, place, *words, "--net=0:mode=routed,link=front,ip=192.0.2.9,mac=generate")
    assert (names_of(source), names_of(destination)) == ([], ["web9.example.com"])
    found = destination.listed("instance", "be/vcpus,status,nic.links")
    assert found == [["2", "ADMIN_down", "front"]]
    assert source.images() == []
    assert contents(destination) == [before]
    assert keys(source) + keys(destination) == []


def test_several_that_run_are_copied_at_a_time(pair: Pair, place: Path) -> None:
    source, destination = pair
    both = [f"web{number}.example.com" for number in (1, 2)]
    for number, name in enumerate(both):
        add(source, name, f"192.0.2.{number}")
    before, described = sorted(contents(source)), source.listed("instance", DESCRIBED)
    assert {row[1] for row in described} == {"running"}
    words = ("--parallel=2", "--keep-source-instance", "--iallocator=here")
    said = move(pair, place, *words, names=both)
    assert all(f"{name}: is {name} at" in said for name in both)
    assert destination.listed("instance", DESCRIBED) == described
    assert sorted(contents(destination)) == before == sorted(contents(source))
    assert names_of(source) == both
    assert keys(source) + keys(destination) == []


def test_what_is_refused_changes_nothing(pair: Pair, place: Path) -> None:
    source, destination = pair
    before = make(source, "slow").read_bytes()
    theirs = make(destination, "slow").read_bytes()
    for files in ({"password": "wrong"}, {"theirs": "wrong"}):
        assert "password is wrong" in move(pair, place, HERE, code=1, **files)
    assert "certificate" in move(pair, place, HERE, code=1, ca="ca1")
    assert "no default allocator" in move(pair, place, code=1)
    assert "already in" in move(pair, place, HERE, code=1)
    assert "web7" in move(pair, place, HERE, code=1, names=["web7.example.com"])
    for cluster, content in ((source, before), (destination, theirs)):
        assert names_of(cluster) == [NAME]
        assert contents(cluster) == [content]


@pytest.mark.parametrize("end", [0, 1])
def test_a_master_that_is_killed_midway_loses_nothing(pair: Pair, place: Path, end: int) -> None:
    before = make(pair[0], "slow").read_bytes()
    (place / "go").unlink()
    with begun(pair, place, HERE) as process:
        wait_for((place / "half").exists, 90, "half of it")
        pair[end].kill9("ganeti-masterd")
        pair[end].start_daemons()
        (place / "go").touch()
        out, err = process.communicate(timeout=240)
    where = [cluster for cluster in pair if names_of(cluster) == [NAME]]
    # Either both say that it moved or neither does; it is in one place, and whole.
    assert len(where) == 1, out + err
    assert (process.returncode == 0) == (where[0] is pair[1]), out + err
    assert [content for cluster in pair for content in contents(cluster)] == [before]
    assert keys(pair[1]) == []
