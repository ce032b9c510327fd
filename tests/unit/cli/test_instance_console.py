"""gnt-instance console."""

from typing import Any

from .fake_master import FakeMaster, named_rows, run


def console(value: object) -> FakeMaster:
    return FakeMaster(answers={"Query": named_rows({"name": "web1", "console": value})})


def test_console_shows_the_command_of_a_virtual_node() -> None:
    value = {"instance": "web1", "kind": "ssh", "host": "node2", "command": ["cat", "a b"]}
    ran = run("gnt-instance console --show-cmd web1", console(value))
    assert (ran.code, ran.out) == (0, "cat 'a b'\n")


def test_console_goes_over_ssh_to_another_machine() -> None:
    value = {"kind": "ssh", "host": "far.example.com", "user": "root", "command": ["cat", "a b"]}
    env = {"GANETI_ROOTDIR": ""}
    ran = run("gnt-instance console --show-cmd web1", console(value), env=env)
    assert ran.out.startswith("ssh -oEscapeChar=none -q ")
    assert ran.out.endswith("""-t root@far.example.com 'cat '"'"'a b'"'"''\n""")


def test_console_goes_to_the_port_where_ssh_listens() -> None:
    value = {"kind": "ssh", "host": "far", "port": 2222, "command": ["cat"]}
    ran = run("gnt-instance console --show-cmd x", console(value), env={"GANETI_ROOTDIR": ""})
    assert " -p2222 " in ran.out


def test_console_of_a_kind_that_is_not_known() -> None:
    ran = run("gnt-instance console web1", console({"kind": "hologram"}))
    assert ran.code == 1
    assert "'hologram', this program knows ssh, msg, vnc, spice" in ran.err


def test_console_kinds_that_are_only_told() -> None:
    value: dict[str, Any] = {"instance": "web1", "kind": "vnc", "host": "h", "port": 5903}
    assert "display 3), URL <vnc://h:5903/>" in run("gnt-instance console x", console(value)).out
    value["kind"] = "spice"
    assert "<spice://h:5903/>" in run("gnt-instance console x", console(value)).out
    told = {"kind": "msg", "message": "no console"}
    assert run("gnt-instance console x", console(told)).out == "no console\n"


def test_no_command_is_shown_where_there_is_none() -> None:
    told = {"kind": "msg", "message": "No serial shell for instance web1"}
    ran = run("gnt-instance console --show-cmd web1", console(told))
    assert (ran.code, ran.out) == (1, "")
    assert "no command leads to the console: No serial shell for instance web1" in ran.err


def test_console_of_a_stopped_instance() -> None:
    ran = run("gnt-instance console web1", console((3, None)))
    assert ran.code == 1
    assert "is not running" in ran.err
