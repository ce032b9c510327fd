"""Files of loads."""

import pytest

from pyganeti.cli.htools.loads import parse_loads, with_loads
from pyganeti.htools.errors import InputError
from pyganeti.htools.model import Util
from pyganeti.htools.text import parse_text
from tools.htools_bed import archive

WRONG = [
    (case.files["util"], answer.err)
    for case, answer in archive.read_answers("options")
    if case.name.startswith("hbal-util") and answer.code
]


def test_reads_names_and_numbers_of_which_the_last_counts() -> None:
    text = "a 1 2 3 4\nb -1 0.5 1e-3 4\na 5 6 7 8"
    assert parse_loads(text) == {"a": Util(5, 6, 7, 8), "b": Util(-1, 0.5, 0.001, 4)}
    assert parse_loads("") == {}


def test_refuses_what_ganeti_refuses_in_its_words() -> None:
    assert len(WRONG) >= 4
    for text, err in WRONG:
        with pytest.raises(InputError) as refused:
            parse_loads(text)
        # Ganeti ends some of its errors with an empty line.
        assert f"Error: can't parse utilisation data: {refused.value}" == err.rstrip("\n")


def test_instances_that_are_not_named_keep_their_loads() -> None:
    cluster = parse_text(archive.read_clusters()["plain-4x14"])
    first, second = (i.name for i in cluster.instances[:2])
    loaded = with_loads(cluster, {first: Util(1, 2, 3, 4), "nobody": Util()})
    loads = {instance.name: instance.util for instance in loaded.instances}
    assert (loads[first], loads[second]) == (Util(1, 2, 3, 4), Util())
