"""Logins on other nodes: the command, its answer, and how many at once."""

import asyncio

import pytest

from pyganeti.kit.paths import Paths
from pyganeti.kit.process import Command, Finished, ProcessError
from pyganeti.node.logins import SshLogins, failed_logins, hostname_command, hostname_fault


def test_the_command_asks_nobody_and_believes_known_keys_only() -> None:
    argv = hostname_command(Paths(), "node2.example.com", 2222).argv
    assert argv[0] == "ssh"
    assert {"-oBatchMode=yes", "-oStrictHostKeyChecking=yes", "-p2222"} <= set(argv)
    assert argv[-2:] == ("root@node2.example.com", "hostname --fqdn")


@pytest.mark.parametrize(
    ("said", "fault"),
    [
        ("node2.example.com\n", None),
        ("node2\n", "not fully qualified: expected node2.example.com, got node2"),
        ("node3.example.com\n", "mismatch: expected node2.example.com, got node3.example.com"),
        ("", "got nothing"),
    ],
)
def test_who_answers(said: str, fault: str | None) -> None:
    found = hostname_fault("node2.example.com", said)
    assert (found is None) if fault is None else (fault in (found or ""))


async def test_a_refusal_is_told_in_the_words_of_ssh() -> None:
    async def run(command: Command) -> Finished:
        finished = Finished(255, "", "root@node2: Permission denied (publickey).\n")
        raise ProcessError(command, "exit code 255", finished)

    assert await SshLogins(Paths(), run)("node2", 22) == (
        "root@node2: Permission denied (publickey)."
    )


async def test_a_virtual_node_tries_nothing() -> None:
    async def run(command: Command) -> Finished:
        raise AssertionError(command)

    assert await SshLogins(Paths("/nowhere", "node1"), run)("node2", 22) is None


async def test_ten_at_once_and_all_of_them() -> None:
    under_way = most = 0

    async def log_in(name: str, port: int) -> str | None:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0)
        under_way -= 1
        return None if port == 22 else name

    wanted = {f"node{number}": 22 + number // 24 for number in range(25)}
    assert await failed_logins(log_in, wanted) == {"node24": "node24"}
    assert most == 10
