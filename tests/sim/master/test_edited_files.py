"""``config.data`` that somebody edited, and Ganeti's own files: taken, or refused."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pyganeti.kit.files import read_bytes
from pyganeti.kit.paths import Paths
from pyganeti.master.config import load_view
from pyganeti.master.export import check_config_file
from pyganeti.master.imports import keep_database, needs_import, take_config_file
from pyganeti.model.codec import decode_config
from pyganeti.model.errors import ConfigFileChanged, ConfigurationError, NotClusterError
from pyganeti.model.view import ClusterView
from pyganeti.store.interface import Contents, Dump, Table
from pyganeti.store.sqlite import SqliteBackend
from pyganeti.testing.cluster import SimCluster
from tests.sim.instance.make import stopped
from tests.sim.master.exporting import SOON_S, TAG, empty_node, exporting, same_objects, written

GOLDEN = Path(__file__).parents[2] / "golden" / "config.data"


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return empty_node(tmp_path)


async def test_our_own_file_is_accepted(paths: Paths) -> None:
    cluster = stopped()
    async with exporting(cluster, paths):
        await cluster.run(TAG)
        await cluster.clock.sleep(SOON_S)
    check_config_file(paths, cluster.backend.load())


async def test_an_edited_file_is_refused_and_both_commands_are_named(paths: Paths) -> None:
    cluster = stopped()
    async with exporting(cluster, paths):
        await cluster.clock.sleep(SOON_S)
    edit(paths)
    with pytest.raises(ConfigFileChanged) as refused:
        check_config_file(paths, cluster.backend.load())
    assert "--take-config-file" in str(refused.value)
    assert "--keep-database" in str(refused.value)
    assert paths.config_file in str(refused.value)


def edit(paths: Paths, change: Callable[[dict[str, Any]], object] | None = None) -> None:
    path = Path(paths.config_file)
    data = json.loads(path.read_bytes())
    (change or (lambda found: found["cluster"]["tags"].append("edited")))(data)
    path.write_text(json.dumps(data))


def database(paths: Paths) -> Contents:
    backend = SqliteBackend(paths.database)
    try:
        return backend.load()
    finally:
        backend.close()


def copy_of(cluster: SimCluster, paths: Paths) -> None:
    """The cluster's records as the database of ``paths``."""
    backend = SqliteBackend(paths.database)
    dump = cluster.backend.dump()
    backend.restore(Dump(dump.seq, dump.contents))
    backend.close()


async def test_the_edited_file_can_be_taken(paths: Paths) -> None:
    cluster = stopped()
    async with exporting(cluster, paths):
        await cluster.clock.sleep(SOON_S)
    copy_of(cluster, paths)
    edit(paths)
    take_config_file(paths)
    contents = database(paths)
    check_config_file(paths, contents)
    view = load_view(contents)
    assert view.cluster.tags == ("edited",)
    assert view.serial > cluster.view.serial


async def test_objects_that_were_edited_away_are_gone(paths: Paths) -> None:
    cluster = stopped()
    async with exporting(cluster, paths):
        await cluster.clock.sleep(SOON_S)
    copy_of(cluster, paths)

    def remove(data: dict[str, Any]) -> None:
        data["instances"].clear()
        data["disks"].clear()

    edit(paths, remove)
    take_config_file(paths)
    view = load_view(database(paths))
    assert view.instances == {}
    assert view.disks == {}


async def test_the_database_can_be_kept(paths: Paths) -> None:
    cluster = stopped()
    async with exporting(cluster, paths):
        await cluster.clock.sleep(SOON_S)
    copy_of(cluster, paths)
    edit(paths)
    keep_database(paths)
    assert same_objects(written(paths), cluster.view)
    assert b"edited" in (read_bytes(f"{paths.config_file}.edited") or b"")
    check_config_file(paths, database(paths))


async def test_a_file_that_contradicts_itself_is_not_taken(paths: Paths) -> None:
    cluster = stopped()
    async with exporting(cluster, paths):
        await cluster.clock.sleep(SOON_S)
    copy_of(cluster, paths)
    edit(paths, lambda data: data["nodes"].clear())
    before = database(paths)
    with pytest.raises(ConfigurationError):
        take_config_file(paths)
    assert database(paths) == before


# --- the first start after Ganeti's


def test_a_database_is_made_from_ganetis_files(paths: Paths) -> None:
    Path(paths.config_file).write_bytes(GOLDEN.read_bytes())
    Path(f"{paths.queue_dir}/serial").write_text("41\n")
    for number, directory in ((40, paths.queue_dir), (7, f"{paths.archive_dir}/0")):
        Path(directory).mkdir(exist_ok=True)
        job = {"id": number, "ops": [{"input": {"OP_ID": "OP_TEST_DELAY"}, "status": "success"}]}
        Path(f"{directory}/job-{number}").write_text(json.dumps(job))
    assert needs_import(paths)
    take_config_file(paths)
    assert not needs_import(paths)
    contents = database(paths)
    wanted = ClusterView.from_config(decode_config(GOLDEN.read_bytes()))
    assert same_objects(load_view(contents), wanted)
    assert list(contents[Table.JOB]) == ["40"]
    assert contents[Table.META]["job_serial"] == b"41"
    check_config_file(paths, contents)


def test_a_node_without_a_cluster_is_told_so(paths: Paths) -> None:
    with pytest.raises(NotClusterError):
        needs_import(paths)


def test_a_file_that_is_no_configuration_makes_no_database(paths: Paths) -> None:
    Path(paths.config_file).write_text("nonsense")
    with pytest.raises(ConfigurationError):
        take_config_file(paths)
    assert needs_import(paths)


@pytest.mark.parametrize(
    "job",
    [
        b"",
        b"[]",
        b'{"id": 7, "ops": [{"input": {"\xff": 1}}]}',
        b"[" * 5000 + b"]" * 5000,
        b'{"id": 7, "ops": [{"input": {}, "status": "' + b"x" * 1_000_000 + b'"}]}',
    ],
    ids=["empty", "list", "bytes", "depth", "length"],
)
def test_a_job_file_that_holds_none_is_named(paths: Paths, job: bytes) -> None:
    Path(paths.config_file).write_bytes(GOLDEN.read_bytes())
    Path(f"{paths.queue_dir}/job-7").write_bytes(job)
    with pytest.raises(ConfigurationError, match="queue/job-7: ") as refused:
        take_config_file(paths)
    assert len(str(refused.value)) < 1000
    assert needs_import(paths)


@pytest.mark.parametrize("serial", ["seven", "-1", "1" * 5000])
def test_a_serial_that_is_no_number_is_named(paths: Paths, serial: str) -> None:
    Path(paths.config_file).write_bytes(GOLDEN.read_bytes())
    Path(f"{paths.queue_dir}/serial").write_text(serial)
    with pytest.raises(ConfigurationError, match="queue/serial holds"):
        take_config_file(paths)
    assert needs_import(paths)
