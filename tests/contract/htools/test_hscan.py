"""hscan prints and saves what Ganeti's does, asking stand-ins for daemons over real sockets."""

import io
from contextlib import ExitStack
from pathlib import Path

import pytest

from pyganeti.cli.htools.main import run
from pyganeti.htools.text import parse_text
from tests.unit.cli.htools.bed import inside
from tools.htools_bed import archive, running
from tools.htools_bed.cases import Answer

RECORDED = [
    (*case.name.split(" ", 1), answer) for case, answer in archive.read_answers(running.NAME)
]
# What Ganeti's takes for a usual speed when it asks a REST daemon: docs/differences.md.
OTHER_SCORES = {("rest", "speed and tags"), ("rest", "offline with figures")}


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of the stand-in for a REST daemon."""
    return running.certificate(tmp_path_factory.mktemp("rest"))


def hscan(where: Path, *arguments: str) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    with inside(where):
        code = run("hscan", arguments, {}, out, err)
    return code, out.getvalue(), err.getvalue()


def scanned(backend: str, data: running.Data, where: Path, certificate: Path) -> Answer:
    """What our hscan answers, with HOST in place of host and port."""
    with ExitStack() as stack:
        if backend == "luxi":
            stack.enter_context(running.master(data, where / "master"))
            host, arguments = "HOST", ["-Lmaster"]
        else:
            host, _ = stack.enter_context(running.rest(running.as_rest(data), certificate))
            arguments = [f"https://{host}"]
        code, out, err = hscan(where, *arguments)
    files = {path.name.replace(host, "HOST"): path.read_text() for path in where.glob("*.data")}
    return Answer(code, out.replace(host, "HOST"), err, files)


@pytest.mark.parametrize(
    ("backend", "name", "answer"), RECORDED, ids=[f"{b}-{name}" for b, name, _ in RECORDED]
)
def test_prints_and_saves_what_ganetis_does(
    backend: str, name: str, answer: Answer, tmp_path: Path, certificate: Path
) -> None:
    got = scanned(backend, running.CLUSTERS[name], tmp_path, certificate)
    assert (got.code, got.err, got.files.keys()) == (answer.code, "", answer.files.keys())
    if answer.code:
        # Why is said in our own words; test_live compares what they name.
        assert got.out.splitlines()[:3] == answer.out.splitlines()[:3]
        assert got.out.count("\n") == 4
    elif (backend, name) in OTHER_SCORES:
        assert got.out.splitlines()[1].split()[:-1] == answer.out.splitlines()[1].split()[:-1]
    else:
        assert got == answer


def test_several_clusters_of_which_one_does_not_answer(tmp_path: Path, certificate: Path) -> None:
    data = running.as_rest(running.CLUSTERS["usual"])
    with running.rest(data, certificate) as (host, _):
        code, out, _ = hscan(tmp_path, "-Lnone", "127.0.0.1:1", f"https://{host}", "--no-headers")
    failed, line = out.split(": Connection refused\n")
    assert code == 2
    assert failed == "\nError for 127.0.0.1:1: failed to load data. Details:\n127.0.0.1:1"
    # The local cluster is not asked where others are named.
    assert line.startswith(f"https://{host}     2     1     0     0  16000")
    assert [path.name for path in tmp_path.iterdir()] == [f"https:__{host}.data"]


def test_name_and_password_are_neither_printed_nor_in_the_name_of_the_file(
    tmp_path: Path, certificate: Path
) -> None:
    data = running.as_rest(running.CLUSTERS["usual"])
    (tmp_path / "saved").mkdir()
    with running.rest(data, certificate) as (host, heard):
        code, out, err = hscan(tmp_path, f"https://jack:secret@{host}/", "-d", "saved", "-p")
    assert code == 0
    assert heard[0].startswith("Basic ")
    assert "jack" not in out + err
    assert "secret" not in out + err
    (path,) = (tmp_path / "saved").iterdir()
    assert path.name == f"https:__{host}_.data"
    assert "jack" not in path.read_text()


def test_memory_of_kvm_nodes_counts_in_what_is_shown_and_not_in_what_is_saved(
    tmp_path: Path,
) -> None:
    shown = {}
    for memory in ("0", "4096"):
        with running.master(running.CLUSTERS["usual"], tmp_path / "m"):
            _, out, _ = hscan(tmp_path, "-Lm", "-p", f"--static-kvm-node-memory={memory}")
        shown[memory] = out
        saved = parse_text((tmp_path / "LOCAL.data").read_text())
        assert [node.node_memory for node in saved.nodes] == [500, 500]
    assert shown["0"].splitlines()[3].split()[:3] == ["n1", "8000", "500"]
    assert shown["4096"].splitlines()[3].split()[:3] == ["n1", "8000", "4096"]
    # As in Ganeti's an empty line ends the table.
    assert shown["0"].endswith("\n\n")


def test_refuses_a_directory_that_is_not_there(tmp_path: Path) -> None:
    with running.master(running.CLUSTERS["usual"], tmp_path / "m"):
        code, out, err = hscan(tmp_path, "-Lm", "-d", "nowhere", "--no-headers")
    assert (code, out.split()[0]) == (1, "LOCAL")
    assert err == "Error: nowhere/LOCAL.data: No such file or directory\n"


def test_without_a_master_daemon(tmp_path: Path) -> None:
    code, out, err = hscan(tmp_path, "-Lnone", "--no-headers")
    assert (code, err) == (2, "")
    assert out == (
        "\nError for LOCAL: failed to load data. Details:\n"
        "nothing listens at none: is this the master node?\n"
    )
