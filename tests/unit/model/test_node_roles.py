"""Every role, every wish: what follows, and what is refused."""

from itertools import product
from typing import Any, Final

import msgspec
import pytest

from pyganeti.model.errors import ECode, OpPrereqError
from pyganeti.model.node import Node
from pyganeti.model.node_roles import ROLE_FLAGS, Pool, Standing, Wish, decide

FULL: Final = Pool(others=3, possible=5, size=3)
ROOM: Final = Pool(others=2, possible=2, size=3)
SHORT: Final = Pool(others=2, possible=5, size=3)
STATES: Final = "MCRDO"
YES_NO: Final = (None, False, True)
WISHES: Final = {
    "-C yes": Wish(master_candidate=True),
    "-C no": Wish(master_candidate=False),
    "-D yes": Wish(drained=True),
    "-D no": Wish(drained=False),
    "-O yes": Wish(offline=True),
    "-O no": Wish(offline=False),
    "-D no -O yes": Wish(drained=False, offline=True),
    "-O no -D yes": Wish(drained=True, offline=False),
    "-O no -C no": Wish(master_candidate=False, offline=False),
}
# What a node becomes by one option; '!' is a refusal. With a full pool, and with room in it.
TABLE: Final = """
                M   C   R   D   O       M   C   R   D   O
-C yes          !   C   C   C   C       !   C   C   C   C
-C no           !   R   R   D   O       !   R   R   D   O
-D yes          !   D   D   D   D       !   D   D   D   D
-D no           !   C   R   R   O       !   C   R   C   O
-O yes          !   O   O   O   O       !   O   O   O   O
-O no           !   C   R   D   R       !   C   R   D   C
-D no -O yes    !   O   O   O   O       !   O   O   O   O
-O no -D yes    !   D   D   D   D       !   D   D   D   D
-O no -C no     !   R   R   D   R       !   R   R   D   R
"""


def node(state: str, **fields: bool) -> Node:
    flags: dict[str, Any] = {  # Any: fields of many types
        "master_candidate": state in "MC",
        "drained": state == "D",
        "offline": state == "O",
        "master_capable": True,
        "vm_capable": True,
        "powered": True,
        **fields,
    }
    return Node(
        uuid="u", name="node2", primary_ip="192.0.2.2", secondary_ip="192.0.2.2", group="g", **flags
    )


def standing(state: str, pool: Pool = FULL, **fields: bool) -> Standing:
    flags = {"has_instances": False, "has_oob": False, "auto_promote": False, **fields}
    return Standing(is_master=state == "M", pool=pool, **flags)


def role(found: Node) -> str:
    named = zip("CDO", ROLE_FLAGS, strict=True)
    (letter,) = [letter for letter, flag in named if getattr(found, flag)] or ["R"]
    return letter


def outcome(state: str, wish: Wish, pool: Pool) -> str:
    try:
        return role(decide(node(state), wish, standing(state, pool)).node)
    except OpPrereqError:
        return "!"


def cases() -> list[tuple[str, str, Pool, str]]:
    _, *rows = TABLE.strip("\n").splitlines()
    found = []
    for row in rows:
        words = row[16:].split()
        for index, wanted in enumerate(words):
            pool = (FULL, ROOM)[index // len(STATES)]
            found.append((row[:16].strip(), STATES[index % len(STATES)], pool, wanted))
    return found


@pytest.mark.parametrize(("option", "state", "pool", "wanted"), cases())
def test_what_a_node_becomes(option: str, state: str, pool: Pool, wanted: str) -> None:
    assert outcome(state, WISHES[option], pool) == wanted


# Any pair of wishes, and the capabilities in all combinations: what always holds.


@pytest.mark.parametrize("state", STATES)
def test_whatever_is_wished_the_rules_hold(state: str) -> None:
    tried = 0
    for roles in product(YES_NO, repeat=3):
        for capable, vm_capable, can, pool in product(
            YES_NO, YES_NO, (False, True), (FULL, ROOM, SHORT)
        ):
            if state in "MC" and not can:
                continue
            candidate, drained, offline = roles
            wish = Wish(candidate, drained, offline, capable, vm_capable)
            before = node(state, master_capable=can)
            try:
                after = decide(before, wish, standing(state, pool, has_instances=True)).node
            except OpPrereqError:
                continue
            tried += 1
            assert sum(getattr(after, flag) for flag in ROLE_FLAGS) <= 1
            assert after.vm_capable
            assert after.master_capable or not after.master_candidate
            assert state != "M" or after.master_candidate
            leaves = before.master_candidate and not after.master_candidate
            assert not (leaves and pool.missing)
            assert [*roles, capable, vm_capable].count(True) <= 1
    assert tried >= 9


@pytest.mark.parametrize("wish", [Wish(offline=True), Wish(master_candidate=False)])
def test_a_candidate_that_others_could_replace_stays_unless_they_are_promoted(wish: Wish) -> None:
    with pytest.raises(OpPrereqError, match=r"2 master candidates, and 1 more could be.*--auto"):
        decide(node("C"), wish, standing("C", SHORT))
    assert role(decide(node("C"), wish, standing("C", SHORT, auto_promote=True)).node) != "C"


def test_several_at_once_are_refused() -> None:
    for wish in (
        Wish(offline=True, drained=True),
        Wish(master_candidate=True, offline=True),
        Wish(master_candidate=True, master_capable=True),
        Wish(vm_capable=True, drained=True),
    ):
        with pytest.raises(OpPrereqError, match="only one of") as refused:
            decide(node("R"), wish, standing("R"))
        assert refused.value.code is ECode.INVAL


def test_an_incapable_node_becomes_no_candidate() -> None:
    incapable = node("R", master_capable=False)
    with pytest.raises(OpPrereqError, match="not master capable"):
        decide(incapable, Wish(master_candidate=True), standing("R"))
    back = node("O", master_capable=False)
    assert role(decide(back, Wish(offline=False), standing("O", ROOM)).node) == "R"


def test_losing_the_capability_ends_the_candidacy() -> None:
    found = decide(node("C"), Wish(master_capable=False), standing("C"))
    assert (role(found.node), found.wish.master_candidate) == ("R", False)
    assert found.notes == ("node node2 is no master candidate any more",)


@pytest.mark.parametrize(("state", "wanted"), [("R", "C"), ("D", "D"), ("O", "O")])
def test_gaining_the_capability_leaves_drained_and_offline_nodes(state: str, wanted: str) -> None:
    incapable = node(state, master_capable=False)
    found = decide(incapable, Wish(master_capable=True), standing(state, ROOM))
    assert role(found.node) == wanted


def test_the_master_stays_capable() -> None:
    with pytest.raises(OpPrereqError, match="must remain master capable") as refused:
        decide(node("M"), Wish(master_capable=False), standing("M"))
    assert refused.value.code is ECode.STATE


def test_vm_capable_stays_under_instances() -> None:
    wish = Wish(vm_capable=False)
    with pytest.raises(OpPrereqError, match="has instances"):
        decide(node("R"), wish, standing("R", has_instances=True))
    assert not decide(node("R"), wish, standing("R")).node.vm_capable


def test_what_is_so_already_is_said_and_left_out() -> None:
    found = decide(node("R"), Wish(drained=False), standing("R", ROOM))
    assert found.node == node("R")
    assert found.wish.drained is None
    assert found.notes == ("drained is not set on node2, so there is nothing to unset",)


def test_a_node_that_is_switched_off_stays_offline() -> None:
    off = node("O", powered=False)
    with_program = standing("O", has_oob=True)
    with pytest.raises(OpPrereqError, match="switched off"):
        decide(off, Wish(offline=False), with_program)
    # One that is on needs no word on that.
    assert role(decide(node("O"), Wish(offline=False), with_program).node) == "R"
    found = decide(off, Wish(offline=False, powered=True), with_program).node
    assert (role(found), found.powered) == ("R", True)
    assert role(decide(off, Wish(offline=False), standing("O")).node) == "R"


def test_power_is_recorded_of_nodes_with_a_program() -> None:
    with pytest.raises(OpPrereqError, match="no out-of-band program"):
        decide(node("R"), Wish(powered=False), standing("R"))
    found = decide(node("R"), Wish(powered=False), standing("R", has_oob=True)).node
    assert found == msgspec.structs.replace(node("R"), powered=False)


def test_what_is_master_capable_already_is_not_promoted_for_being_so() -> None:
    found = decide(node("R"), Wish(master_capable=True), standing("R", ROOM))
    assert (role(found.node), found.notes) == ("R", ())
