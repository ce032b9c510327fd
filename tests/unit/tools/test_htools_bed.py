"""The bed of the htools: clusters from seeds, and the files that keep it."""

from pathlib import Path

from pyganeti.htools.text import format_text, parse_text
from tools.htools_bed import archive
from tools.htools_bed.cases import Answer, Case, make
from tools.htools_bed.profiles import GROUPS, PROFILES, STANDBY, all_clusters


def test_clusters_are_the_same_always_and_are_what_is_kept() -> None:
    assert all_clusters() == archive.read_clusters()


def test_clusters_can_be_read_and_written_again() -> None:
    clusters = archive.read_clusters()
    assert len(clusters) > 200
    for name, text in clusters.items():
        cluster = parse_text(text)
        assert parse_text(format_text(cluster)) == cluster, name


def test_every_profile_has_clusters_of_several_sizes() -> None:
    names = list(archive.read_clusters())
    for profile in PROFILES | STANDBY | GROUPS:
        assert sum(name.rpartition("-")[0] == profile for name in names) >= 3, profile


def test_cases_have_names_of_their_own() -> None:
    for name, cases in make(archive.read_clusters()).items():
        assert len({case.name for case in cases}) == len(cases), name


def test_answers_are_kept_whole(tmp_path: Path) -> None:
    case = Case("one", "hinfo", ("-t", "cluster.data"), "plain-4x14", {"util": "a\n"})
    answers = [(case, Answer(1, "out\n", "err\n", {"saved": "x"}))]
    archive.write_answers("some", answers, tmp_path)
    assert archive.read_answers("some", tmp_path) == answers
