"""The files that confd follows: there, changed, broken, gone, back."""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from pyganeti.daemons.confd.copy import ConfigCopy, Key
from pyganeti.model.errors import ConfigurationError, GenericError
from pyganeti.wire.confd.message import Query, Request
from tests.unit.daemons.confd.test_answers import config


class Clock:
    """Time that passes when told to."""

    def __init__(self) -> None:
        self.time = 1000.0

    def now(self) -> float:
        return self.time

    def monotonic(self) -> float:
        return self.time

    async def sleep(self, seconds: float) -> None:
        self.time += seconds


def renamed(path: Path, name: str) -> None:
    """Replace the file as its writer does."""
    data = msgspec.json.decode(config())
    data["cluster"]["cluster_name"] = name
    new = path.with_suffix(".new")
    new.write_bytes(msgspec.json.encode(data))
    os.rename(new, path)


async def name_of(copy: ConfigCopy) -> str:
    answers = await copy.answers()
    question = Request(type=Query.CONFIG_QUERY, query="/cluster/cluster_name", rsalt="x")
    return str(answers.to(question).answer)


async def test_a_change_is_seen(tmp_path: Path) -> None:
    path, clock = tmp_path / "config.data", Clock()
    copy = ConfigCopy(str(path), clock)
    renamed(path, "first")
    assert await name_of(copy) == "first"
    renamed(path, "second")
    clock.time += 1.0
    assert await name_of(copy) == "second"


async def test_it_is_not_read_more_often_than_once_a_second(tmp_path: Path) -> None:
    path, clock = tmp_path / "config.data", Clock()
    copy = ConfigCopy(str(path), clock)
    renamed(path, "first")
    assert await name_of(copy) == "first"
    renamed(path, "second")
    clock.time += 0.9
    assert await name_of(copy) == "first"


async def test_two_that_ask_at_once_get_the_first_copy(tmp_path: Path) -> None:
    path = tmp_path / "config.data"
    copy = ConfigCopy(str(path), Clock())
    renamed(path, "first")
    assert list(await asyncio.gather(name_of(copy), name_of(copy))) == ["first", "first"]


async def test_a_node_that_is_no_candidate_says_so(tmp_path: Path) -> None:
    copy = ConfigCopy(str(tmp_path / "config.data"), Clock())
    with pytest.raises(GenericError, match="no master candidate"):
        await copy.answers()


async def test_what_is_gone_is_not_told_any_more(tmp_path: Path) -> None:
    path = tmp_path / "config.data"
    copy = ConfigCopy(str(path), Clock())
    renamed(path, "first")
    await copy.answers()
    path.unlink()
    with pytest.raises(GenericError, match="no master candidate"):
        await copy.answers()
    renamed(path, "again")
    assert await name_of(copy) == "again"


def old_version(path: Path) -> None:
    path.write_bytes(config().replace(b'"version":3010000', b'"version":2160000'))


@pytest.mark.parametrize(
    "spoil",
    [
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(b'{"version": 3010000}'),
        lambda path: path.write_bytes(b"[" * 5000),
        old_version,
        lambda path: path.mkdir(),
    ],
    ids=["empty", "half", "deep", "old", "directory"],
)
async def test_what_cannot_be_read_is_told_and_survived(
    tmp_path: Path, spoil: Callable[[Path], None]
) -> None:
    path, clock = tmp_path / "config.data", Clock()
    copy = ConfigCopy(str(path), clock)
    spoil(path)
    for _ in range(2):
        with pytest.raises(ConfigurationError, match="cannot be used"):
            await copy.answers()
    if path.is_dir():
        path.rmdir()
    renamed(path, "repaired")
    clock.time += 1.0
    assert await name_of(copy) == "repaired"


def test_a_new_key_is_taken(tmp_path: Path) -> None:
    path = tmp_path / "hmac.key"
    path.write_bytes(b"old\n")
    key = Key(str(path))
    assert key.get() == b"old\n"
    path.write_bytes(b"newer\n")
    assert key.get() == b"newer\n"


@pytest.mark.parametrize("content", [None, b"", b"\n"])
def test_without_a_key_nothing_is_signed(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "hmac.key"
    path.write_bytes(b"key\n")
    key = Key(str(path))
    key.get()
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigurationError, match="belongs to no cluster"):
        key.get()
