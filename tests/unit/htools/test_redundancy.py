"""Global N+1, as Ganeti's hcheck finds it; the bed of its own tests has whole clusters."""

import pytest

from pyganeti.htools.redundancy import stranded
from pyganeti.htools.state import State
from pyganeti.htools.text import parse_text

ALL = "diskless,file,sharedfile,plain,blockdev,drbd,rbd,ext,gluster"
EXTERNAL = ("diskless", "sharedfile", "rbd", "ext", "gluster")
MADE_ANEW = ("file", "plain", "blockdev")


def cluster(
    *instances: tuple[int, str, int, int], templates: str = ALL, largest: int = 32768
) -> State:
    """Three nodes of 20 000 MiB; an instance has memory, template, primary and secondary."""
    used = [sum(i[0] for i in instances if i[2] == node) for node in (1, 2, 3)]
    nodes = [
        f"n{k}|20000|0|{20000 - used[k - 1]}|500000|400000|8|{'M' if k == 1 else 'N'}|u\n"
        for k in (1, 2, 3)
    ]
    rows = [
        f"i{k}|{memory}|1024|1|running|Y|n{p}|{f'n{s}' if s else ''}|{template}||1\n"
        for k, (memory, template, p, s) in enumerate(instances)
    ]
    policy = (
        f"128,1,1024,1,1,1|128,1,1024,1,1,1;{largest},16,1048576,16,8,12|{templates}|4.0|32.0\n"
    )
    text = "g|u|preferred|\n\n" + "".join(nodes) + "\n" + "".join(rows) + f"\n\n|{policy}g|{policy}"
    return State.of(parse_text(text), "u")


@pytest.mark.parametrize("template", [*EXTERNAL, *MADE_ANEW])
def test_only_what_is_made_anew_has_to_fit_the_policy(template: str) -> None:
    others = ",".join(one for one in ALL.split(",") if one != template)
    fails = [0] if template in MADE_ANEW else []
    assert stranded(cluster((1000, template, 1, 0))) == []
    assert stranded(cluster((1000, template, 1, 0), templates=others)) == fails
    assert stranded(cluster((1000, template, 1, 0), largest=512)) == fails


def test_a_mirrored_instance_needs_memory_on_its_secondary() -> None:
    assert stranded(cluster((9000, "drbd", 1, 2), (9000, "drbd", 2, 1))) == []
    assert stranded(cluster((11000, "drbd", 1, 2), (9000, "drbd", 2, 1))) == [0, 1]


# The second and third node have 12 000 and 7 100 MiB free, or the other way round, and instances
# that nobody else has room for.
@pytest.mark.parametrize("free", [(12000, 7100), (7100, 12000)])
@pytest.mark.parametrize(
    ("template", "memory", "fails"),
    [
        ("rbd", (9000, 6000), True),  # the last one leaves first, to where most is free
        ("rbd", (6000, 9000), False),
        ("plain", (9000, 6000), False),  # the largest leaves first
        ("plain", (6000, 9000), False),
    ],
)
def test_the_order_in_which_instances_leave(
    free: tuple[int, int], template: str, memory: tuple[int, int], fails: bool
) -> None:
    state = cluster(
        (memory[0], template, 1, 0),
        (memory[1], template, 1, 0),
        (20000 - free[0], template, 2, 0),
        (20000 - free[1], template, 3, 0),
    )
    assert stranded(state) == ([0, 1, 2] if fails else [1, 2])


@pytest.mark.parametrize("template", ["rbd", "plain"])
def test_offline_nodes_are_places_too(template: str) -> None:
    state = cluster((1000, template, 1, 0))
    state.offline[:] = [False, True, True]
    assert stranded(state) == []


def test_looking_changes_nothing() -> None:
    state = cluster((1000, "rbd", 1, 0), (2000, "drbd", 2, 3))
    before = state.copy()
    stranded(state)
    assert (state.primary == before.primary).all()
    assert (state.amount == before.amount).all()
