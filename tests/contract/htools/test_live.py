"""Clusters that run, read over real sockets: as Ganeti's programs read the same answers."""

from pathlib import Path

import pytest

from pyganeti.cli.htools.live import Running, ask_master, ask_rest, shown
from pyganeti.htools.errors import InputError
from pyganeti.htools.text import format_text
from tools.htools_bed import archive, running
from tools.htools_bed.cases import Answer

RECORDED = [
    (*case.name.split(" ", 1), answer) for case, answer in archive.read_answers(running.NAME)
]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of the stand-in for a REST daemon."""
    return running.certificate(tmp_path_factory.mktemp("rest"))


def ask(backend: str, data: running.Data, where: Path, certificate: Path) -> Running:
    """What ``data`` becomes by way of a backend."""
    if backend == "luxi":
        with running.master(data, where / "s") as path:
            return ask_master(path)
    with running.rest(running.as_rest(data), certificate) as (host, _):
        return ask_rest(host)


def told(answer: Answer) -> tuple[str, str]:
    """Of what Ganeti's program complains: what it names, and the field if any."""
    line = answer.out.rstrip().splitlines()[-1]
    words = line.split("'")
    if line.startswith("Parsing cluster"):
        return "Cluster", words[1]
    return (words[1], words[3]) if "error while" in line or "key '" in line else ("", line)


@pytest.mark.parametrize(
    ("backend", "name", "answer"), RECORDED, ids=[f"{b}-{name}" for b, name, _ in RECORDED]
)
def test_read_as_ganetis_read_it(
    backend: str, name: str, answer: Answer, tmp_path: Path, certificate: Path
) -> None:
    data = running.CLUSTERS[name]
    if answer.code == 0:
        (text,) = answer.files.values()
        found = format_text(ask(backend, data, tmp_path, certificate).cluster)
        if backend == "rest":
            # Ganeti's forgets the speed of processors there: docs/differences.md.
            found = found.replace("|1.5\n", "|1.0\n")
        assert found == text
        return
    with pytest.raises(InputError) as refused:
        ask(backend, data, tmp_path, certificate)
    what, field = told(answer)
    assert what in str(refused.value)
    if what:
        assert field in str(refused.value)
    else:
        assert str(refused.value) == field


def test_each_has_been_recorded_from_both() -> None:
    wanted = {(backend, name) for name in running.CLUSTERS for backend in ("luxi", "rest")}
    assert {(backend, name) for backend, name, _ in RECORDED} == wanted


@pytest.mark.parametrize(("memory", "counted"), [(4096, 4096), (0, 500), (200, 200)])
def test_nodes_own_memory_under_kvm(memory: int, counted: int, tmp_path: Path) -> None:
    with running.master(running.CLUSTERS["usual"], tmp_path / "s") as path:
        nodes = ask_master(path).counted(memory).nodes
    assert [node.node_memory for node in nodes] == [counted, counted]
    with running.master(running.CLUSTERS["xen"], tmp_path / "s") as path:
        assert ask_master(path).counted(memory).nodes[0].node_memory == 500
    with running.master(running.CLUSTERS["offline"], tmp_path / "s") as path:
        assert ask_master(path).counted(memory).nodes[1].node_memory == 0


def test_name_and_password_are_sent_and_not_told(certificate: Path) -> None:
    data = running.as_rest(running.CLUSTERS["usual"])
    with running.rest(data, certificate) as (host, heard):
        ask_rest(f"https://jack:p%40ss@{host}/")
    assert heard == ["Basic amFjazpwQHNz"] * 4
    with (
        running.rest({**data, "group": 401}, certificate) as (host, _),
        pytest.raises(InputError) as refused,
    ):
        ask_rest(f"https://jack:secret@{host}")
    assert str(refused.value) == f"https://{host}/2/groups?bulk=1: 401 Unauthorized"


@pytest.mark.parametrize(
    ("spoiled", "complaint"),
    [
        ({"node": {"a": 1}}, "the answer on nodes is no list of objects"),
        ({"instance": [1]}, "the answer on instances is no list of objects"),
        ({"info": b"<html>"}, "the answer is no JSON"),
        ({"info": []}, "[] is no object"),
        ({"info": 503}, "503 Service Unavailable"),
    ],
)
def test_answers_that_are_none(spoiled: running.Data, complaint: str, certificate: Path) -> None:
    data = {**running.as_rest(running.CLUSTERS["usual"]), **spoiled}
    with running.rest(data, certificate) as (host, _), pytest.raises(InputError) as refused:
        ask_rest(host)
    assert complaint in str(refused.value)


@pytest.mark.parametrize("kind", ["group", "node", "instance"])
def test_doubles_are_refused(kind: str, tmp_path: Path) -> None:
    usual = running.CLUSTERS["usual"]
    twice = {**usual, kind: [*usual[kind], usual[kind][0]]}
    with running.master(twice, tmp_path / "s") as path, pytest.raises(InputError, match="2 times"):
        ask_master(path)


def test_nobody_listens(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nothing listens at .*/none"):
        ask_master(str(tmp_path / "none"))
    with pytest.raises(InputError, match=r"^127\.0\.0\.1:1: Connection refused$"):
        ask_rest("a:b@127.0.0.1:1")


@pytest.mark.parametrize(
    "address", ["http://host", "https://", "https://host:port", "https://[::1"]
)
def test_addresses_that_are_none(address: str) -> None:
    with pytest.raises(InputError, match="no address of a REST daemon"):
        ask_rest(address)


def test_what_is_shown_of_an_address() -> None:
    assert shown("https://jack:secret@host:5080") == "https://host:5080"
    assert shown("jack:secret@host") == "host"
    assert shown("host") == "host"
