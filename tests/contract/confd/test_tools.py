"""``confd-client`` and ``query-config`` against our server."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from pyganeti.kit.threads import in_thread
from pyganeti.tools import confd_client, query_config
from tests.contract.confd.test_confd import HOST, KEY, serving
from tests.ports import free_port
from tests.unit.daemons.confd.test_answers import config


@pytest.fixture
async def words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[list[str]]:
    """Options that lead to a server; the key is that of a virtual node."""
    root = tmp_path / "node1"
    (root / "var/lib/ganeti").mkdir(parents=True)
    (root / "var/lib/ganeti/hmac.key").write_bytes(KEY)
    monkeypatch.setenv("GANETI_ROOTDIR", str(root))
    monkeypatch.setenv("GANETI_HOSTNAME", "node1")
    async with serving(tmp_path, config()) as port:
        yield [f"--address={HOST}", f"--port={port}", "--timeout=5"]


async def test_places_are_shown(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    places = ["/cluster/cluster_name", "/version", "/cluster/tags"]
    assert await in_thread(query_config.main, [*words, *places]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "/cluster/cluster_name\tcluster.example.com",
        "/version             \t3010000",
        "/cluster/tags        \t['owner:ops', 'site:lab']",
    ]


async def test_a_place_that_is_not(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert await in_thread(query_config.main, [*words, "/nosuch", "/version"]) == 1
    said = capsys.readouterr()
    assert said.out == "/version\t3010000\n"
    assert said.err == "query-config: /nosuch: there is no such place\n"


async def test_all_questions_are_asked(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert await in_thread(confd_client.main, [*words, "-r", "3"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len([line for line in lines if ": OK (" in line]) == 12
    assert lines[-1].startswith("- 3 requests in ")


async def test_another_key(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    mine = [word for word in words if "timeout" not in word]
    argv = [*mine, "--hmac=other", "--timeout=0.1"]
    assert await in_thread(confd_client.main, argv) == 1
    assert "no answer from 127.0.0.1" in capsys.readouterr().err


async def test_nobody_is_there(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    argv = [f"--address={HOST}", f"--port={free_port()}", "--timeout=0.2", "/version"]
    assert await in_thread(query_config.main, argv) == 1
    assert "no answer" in capsys.readouterr().err
