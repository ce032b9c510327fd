"""``ganeti-listrunner`` on machines of their own: with a password, with keys, and refused."""

from collections.abc import Iterator

import pytest

from tests.e2e.hosts import DOMAIN, HOST_KEY, PASSWORD, Host, machines, skip_without_namespaces

LOGS = "/root/logs"
TEMPORARY = "ls -d /tmp/ganeti-listrunner-* /tmp/tmp.* 2>/dev/null || :"
PROGRAM = '#!/bin/sh\ncat words\nhostname\necho "$@" >&2\n'


@pytest.fixture
def rack() -> Iterator[list[Host]]:
    """Three machines that do not know each other."""
    skip_without_namespaces()
    with machines("hosta", "hostb", "hostc", others={}) as hosts:
        yield list(hosts)


def test_many_hosts_one_password(rack: list[Host]) -> None:
    first, *others = rack
    names = ",".join(host.name for host in others)
    words = ["ganeti-listrunner", "-l", LOGS, "-h", names]
    before = first.run("sh", "-c", TEMPORARY).stdout

    # Nobody has a key yet: the password is asked for once.
    dialog = first.dialog(*words, "-c", "hostname")
    dialog.expect("root's password for all hosts: ", answer=PASSWORD)
    assert dialog.finish() == 0, dialog.said
    assert PASSWORD not in dialog.said
    for host in others:
        assert first.path(f"{LOGS}/{host.name}.log").read_text() == f"{host.name}\n"
    assert first.run("sh", "-c", TEMPORARY).stdout == before

    refused = first.run(*words, "-p", "wrong", "-c", "hostname", code=1)
    assert refused.stderr == f"ganeti-listrunner: failed on {', '.join(names.split(','))}\n"
    assert "Permission denied" in first.path(f"{LOGS}/hostb.{DOMAIN}.log").read_text()

    key = first.make_key()
    for host in others:
        host.authorize(key)
    first.write("/root/run.sh", PROGRAM)
    first.write("/root/words", "golden\n")
    first.write("/root/hosts", names.replace(",", "\n"))
    words = ["ganeti-listrunner", "-l", LOGS, "-A", "-f", "/root/hosts"]
    first.run(*words, "-x", "/root/run.sh", "-a", "/root/words", "--args", "one two")
    for host in others:
        text = first.path(f"{LOGS}/{host.name}.log").read_text()
        assert text == f"golden\n{host.name}\none two\n"
    assert first.run("sh", "-c", TEMPORARY).stdout == before

    # One that is not who it was is sent nothing, and does not keep the others from their work.
    changed = others[0]
    changed.run("sh", "-c", f"rm {HOST_KEY}*; ssh-keygen -qt ed25519 -N '' -f {HOST_KEY}")
    done = first.run(*words, "-p", PASSWORD, "-c", "true", code=2)
    assert "not allowed with" in done.stderr
    words[3:4] = ["-p", PASSWORD]
    done = first.run(*words, "-c", "echo again", code=1)
    assert done.stderr == f"ganeti-listrunner: failed on {changed.name}\n"
    said = first.path(f"{LOGS}/{changed.name}.log").read_text()
    assert "HOST IDENTIFICATION HAS CHANGED" in said
    assert first.path(f"{LOGS}/{others[1].name}.log").read_text() == "again\n"
