"""Which backend is read, and what is said when it cannot be."""

import io
from pathlib import Path

import pytest

from pyganeti.cli.htools import getopt
from pyganeti.cli.htools.context import Context, Stop
from pyganeti.cli.htools.loading import read_cluster
from pyganeti.cli.htools.options import read_options
from pyganeti.cli.htools.tools import TOOLS
from pyganeti.htools.model import Cluster, Util
from tools.htools_bed import archive, running


def load(directory: Path, *words: str, tool: str = "hbal") -> Cluster:
    """The cluster that a command line in ``directory`` names."""
    found = getopt.split(words, TOOLS[tool].options)
    context = Context(tool, {}, io.StringIO(), io.StringIO(), directory)
    return read_cluster(context, read_options(found.given))


def refusal(directory: Path, *words: str, tool: str = "hbal") -> str:
    """Why it cannot be loaded."""
    with pytest.raises(Stop) as stopped:
        load(directory, *words, tool=tool)
    assert stopped.value.code == 1
    return str(stopped.value)


def test_reads_a_text_file_and_loads(tmp_path: Path) -> None:
    (tmp_path / "a.data").write_text(archive.read_clusters()["plain-4x14"])
    (tmp_path / "util").write_text("inst1.example.com 1 2 3 4\n")
    cluster = load(tmp_path, "-t", "a.data", "-U", "util")
    assert len(cluster.nodes) == 4
    assert cluster.instances[0].util == Util(1, 2, 3, 4)


def test_a_simulation_is_preferred_to_a_file(tmp_path: Path) -> None:
    cluster = load(tmp_path, "-t", "none", "--simulate", "p,2,1g,1g,1", tool="hspace")
    assert len(cluster.nodes) == 2


def test_names_what_is_wrong_with_the_choice(tmp_path: Path) -> None:
    failed = "failed to load data, aborting: "
    assert refusal(tmp_path) == f"{failed}No backend selected! Exiting."
    missing = f"{failed}none: openFile: does not exist (No such file or directory)"
    assert refusal(tmp_path, "-t", "none") == missing
    one = "Only one of the rapi, luxi, and data files options should be given."
    assert refusal(tmp_path, "-t", "a", "-L") == one
    assert refusal(tmp_path, "-m", "a", "-L") == one


def test_names_file_and_line_of_what_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "a.data").write_text("group|uuid|liked||\n\n\n\n")
    assert "a.data: line 1, column 3" in refusal(tmp_path, "-t", "a.data")
    (tmp_path / "b.data").write_bytes(b"gr\xff")
    assert refusal(tmp_path, "-t", "b.data").endswith("b.data: byte 3 is not UTF-8")
    (tmp_path / "util").write_text("x 1\n")
    assert refusal(tmp_path, "-U", "util", "-t", "x") == (
        "can't parse utilisation data: Cannot parse line x 1"
    )


def test_asks_the_master_daemon_that_is_named(tmp_path: Path) -> None:
    with running.master(running.CLUSTERS["usual"], tmp_path / "socket") as path:
        own = [node.node_memory for node in load(tmp_path, f"-L{path}").nodes]
        assert own == [4096, 4096]
        cluster = load(tmp_path, f"--luxi={path}", "--static-kvm-node-memory=0")
    assert [node.node_memory for node in cluster.nodes] == [500, 500]
    failed = "failed to load data, aborting: "
    assert refusal(tmp_path, f"-L{path}").startswith(f"{failed}nothing listens at {path}")


def test_asks_the_rest_daemon_that_is_named(tmp_path: Path) -> None:
    data = running.as_rest(running.CLUSTERS["usual"])
    with running.rest(data, running.certificate(tmp_path)) as (host, _):
        assert len(load(tmp_path, "-m", host).nodes) == 2
    assert refusal(tmp_path, "-m", "a:b@127.0.0.1:1") == (
        "failed to load data, aborting: 127.0.0.1:1: Connection refused"
    )


def test_refuses_a_backend_that_is_not_there(tmp_path: Path) -> None:
    assert "not built yet" in refusal(tmp_path, "-I", "request")
