"""Programs without a sub-command, bad words, defaults from the environment, absent masters."""

from pathlib import Path

import pytest

from pyganeti.cli.table import timestamp
from pyganeti.model.errors import (
    GenericError,
    HooksAbort,
    NoMasterError,
    OpPrereqError,
    ParameterError,
    ResolverError,
)
from pyganeti.wire.luxi.client import LuxiClosed

from .fake_master import FakeMaster, named_rows, run

NAMES = named_rows({"name": "web1"})


def test_version_and_usage() -> None:
    assert run("gnt-node --version").out.startswith("gnt-node (ganeti ")
    bare = run("gnt-node")
    assert bare.code == 1
    assert "\n modify-storage     - Change a storage unit\n" in bare.out
    assert run("gnt-node --help") == bare._replace(code=0)


def test_an_unknown_command_is_named() -> None:
    ran = run("gnt-node dance")
    assert ran.code == 1
    assert "unknown command 'dance'" in ran.err


def test_a_bad_option_exits_2(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        run("gnt-instance list --fields=name")
    assert ended.value.code == 2
    assert "no such option: --fields" in capsys.readouterr().err


def test_a_bad_size_names_option_and_value(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        run("gnt-instance add -s 10x -t file web1")
    assert "option -s: '10x' is not a size" in capsys.readouterr().err


def test_options_end_at_the_first_argument() -> None:
    master = FakeMaster(answers={"Query": NAMES})
    ran = run("gnt-instance list -o name web1 --no-headers", master)
    assert ran.out == "Name\nweb1\n"
    names = [["==", "name", "web1"], ["==", "name", "--no-headers"]]
    assert master.of("Query") == [["instance", ["name"], ["|", *names]]]


def test_a_value_may_begin_with_a_dash() -> None:
    master = FakeMaster()
    run("gnt-cluster modify -B -maxmem,vcpus=2", master)
    assert master.ops[0]["beparams"] == {"maxmem": None, "vcpus": "2"}


def test_defaults_from_the_environment() -> None:
    master = FakeMaster(answers={"Query": NAMES})
    ran = run("gnt-instance list", master, env={"GNT_INSTANCE_LIST": "--no-headers -o 'name'"})
    assert ran.out == "web1\n"


@pytest.mark.parametrize("tool", ["instance", "node", "group"])
def test_defaults_that_cannot_be_read(tool: str, capsys: "pytest.CaptureFixture[str]") -> None:
    variable = f"GNT_{tool.upper()}_LIST"
    master = FakeMaster()
    with pytest.raises(SystemExit) as ended:
        run(f"gnt-{tool} list", master, env={variable: "-o 'name"})
    assert (ended.value.code, master.calls) == (2, [])
    assert (
        f"the variable {variable} cannot be read: No closing quotation" in capsys.readouterr().err
    )


@pytest.mark.parametrize(
    ("error", "code", "text"),
    [
        (OpPrereqError("it is down", "wrong_state"), 1,
         "Failure: prerequisites not met for this operation:\n"
         "error type: wrong_state, error details:\nit is down\n"),
        (ParameterError("unknown 'x'"), 1, "Parameter Error: unknown 'x'\n"),
        (GenericError("oh"), 1, "Failure: oh\n"),
        # As no master of ours says them.
        (HooksAbort("no"), 1, "Failure: hooks execution failed: no\n"),
        (HooksAbort(), 1, "Failure: hooks execution failed: HooksAbort\n"),
        (
            ResolverError("web1", "resolver_error", "no IPv6 address"),
            1,
            "Failure: can't resolve hostname 'web1': no IPv6 address\n",
        ),
        (ResolverError(), 1, "Failure: can't resolve hostname '?'\n"),
    ],
)  # fmt: skip
def test_errors_of_the_master(error: GenericError, code: int, text: str) -> None:
    ran = run("gnt-cluster version", FakeMaster(answers={"QueryClusterInfo": error}))
    assert (ran.code, ran.err) == (code, text)


def root_with(path: Path, master: str | None) -> dict[str, str]:
    root = path / "node1"
    data = root / "var/lib/ganeti"
    data.mkdir(parents=True)
    if master:
        (data / "ssconf_master_node").write_text(master + "\n")
    return {"GANETI_ROOTDIR": str(root)}


def test_without_a_cluster_exit_5(tmp_path: Path) -> None:
    ran = run("gnt-cluster info", env=root_with(tmp_path, None))
    assert ran.code == 5
    assert "not initialized" in ran.err


def test_on_another_node_exit_11_and_the_master_is_named(tmp_path: Path) -> None:
    ran = run("gnt-cluster info", env=root_with(tmp_path, "node2"))
    assert ran.code == 11
    assert "please connect to node 'node2'" in ran.err


def test_on_the_master_without_daemon_exit_1(tmp_path: Path) -> None:
    ran = run("gnt-cluster info", env=root_with(tmp_path, "node1"))
    assert ran.code == 1
    assert ran.err.startswith("Cannot communicate with the query socket of the master daemon.")


def test_a_forced_socket_is_named(tmp_path: Path) -> None:
    socket = str(tmp_path / "other")
    ran = run("gnt-cluster version", env={"FORCE_LUXI_SOCKET": socket})
    assert ran.code == 1
    assert f"socket '{socket}'" in ran.err


def test_debug_shows_where_it_failed() -> None:
    master = FakeMaster(answers={"QueryClusterInfo": NoMasterError("/x")})
    assert "Traceback" in run("gnt-cluster version -d", master).err


def test_timestamps() -> None:
    assert timestamp(None) == "N/A"
    assert timestamp([0, 5]).endswith(".000005")
    assert timestamp("x") == "?"


@pytest.mark.parametrize("words", ["gnt-node list {}", "gnt-job list -F {}", "gnt-node list -o {}"])
def test_an_argument_that_is_no_text_is_named(words: str) -> None:
    ran = run(words.format("web\udcff"), FakeMaster())
    assert (ran.code, ran.out) == (1, "")
    assert "is not valid UTF-8: 'web\\udcff'" in ran.err


@pytest.mark.parametrize(
    ("predicates", "said"),
    [("[" * 5000, "nested too deeply"), ("[NaN]", "NaN is not JSON"), ("[1", "delimiter")],
)
def test_json_that_is_none_is_a_wrong_option(predicates: str, said: str) -> None:
    with pytest.raises(SystemExit) as ended:
        run(f"gnt-filter add --predicates {predicates}", FakeMaster())
    assert ended.value.code == 2


def test_a_master_that_stops_is_not_a_broken_protocol() -> None:
    master = FakeMaster(answers={"Query": LuxiClosed("connection closed")})
    ran = run("gnt-node list", master)
    assert ran.code == 1
    assert "it stops, or was restarted" in ran.err
    assert "Protocol error" not in ran.err
