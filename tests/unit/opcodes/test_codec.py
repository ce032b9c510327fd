"""What a submission is told, and what is never shown."""

from typing import Any

import pytest

from pyganeti.model.enums import ListChange
from pyganeti.model.errors import ECode, GenericError, OpCodeUnknown, OpPrereqError, OpResultError
from pyganeti.opcodes.cluster import OpClusterVerify
from pyganeti.opcodes.codec import (
    check_result,
    decode,
    encode,
    has_secrets,
    redact,
    without_private,
)
from pyganeti.opcodes.devices import LAST, DeviceChange, device_changes, parse_disk
from pyganeti.opcodes.instance import OpInstanceMultiAlloc, OpInstanceStartup
from pyganeti.opcodes.tags import OpTagsGet
from pyganeti.opcodes.test import OpTestDelay, OpTestOsParams

STARTUP = {"OP_ID": "OP_INSTANCE_STARTUP", "instance_name": "web1"}
PASSWORD = "hunter2"
CREATE: dict[str, Any] = {
    "OP_ID": "OP_INSTANCE_CREATE",
    "instance_name": "web1",
    "mode": "create",
    "disks": [],
    "nics": [],
}


def test_summary_names_the_operation_and_its_object() -> None:
    assert decode(STARTUP).summary() == "INSTANCE_STARTUP(web1)"
    assert OpTestDelay(duration=10.0).summary() == "TEST_DELAY(10.0)"
    assert OpClusterVerify().summary() == "CLUSTER_VERIFY"
    assert decode({"OP_ID": "OP_TAGS_GET", "kind": "cluster"}).summary() == "TAGS_GET(None)"
    assert OpTagsGet.op_id() == "OP_TAGS_GET"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"forse": True}, ["OP_INSTANCE_STARTUP", "unknown parameter 'forse'", "force"]),
        ({"force": "yes"}, ["'force'", "'yes'", "expected a boolean"]),
        ({"shutdown_timeout": -1}, ["'shutdown_timeout'", "-1", "an integer of 0 or more"]),
        ({"priority": 5}, ["'priority'", "5", "-10, 0 or 10"]),
        ({"hvparams": [1]}, ["'hvparams'", "[1]", "a mapping"]),
        ({"depends": [[1, ["running"]]]}, ["'depends'", "canceled, error, success"]),
        ({"instance_name": None}, ["'instance_name'", "None", "a string"]),
    ],
)
def test_refusal_names_parameter_value_and_what_was_expected(
    change: dict[str, Any], words: list[str]
) -> None:
    with pytest.raises(OpPrereqError) as refused:
        decode({**STARTUP, **change})
    assert refused.value.code is ECode.INVAL
    for word in words:
        assert word in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_missing_parameter_is_named() -> None:
    with pytest.raises(OpPrereqError, match=r"'instance_name' is missing, expected a string"):
        decode({"OP_ID": "OP_INSTANCE_STARTUP"})


UNKNOWN: list[dict[str, Any]] = [
    {},
    {"OP_ID": "OP_NONE"},
    {"OP_ID": None},
    {"OP_ID": 5},
    {"OP_ID": []},
    {"OP_ID": {}},
    {"OP_ID": "x" * 10**6},
]


@pytest.mark.parametrize("data", UNKNOWN, ids=range(len(UNKNOWN)))
def test_an_unknown_opcode_is_refused(data: dict[str, Any]) -> None:
    with pytest.raises(OpCodeUnknown):
        decode(data)


def test_something_else_than_a_mapping_is_refused() -> None:
    with pytest.raises(OpPrereqError, match="expected a mapping"):
        decode(["OP_CLUSTER_VERIFY"])


def test_a_secret_is_not_repeated_in_the_refusal() -> None:
    with pytest.raises(OpPrereqError) as refused:
        decode({"OP_ID": "OP_TEST_OS_PARAMS", "osparams_secret": ["hunter2"]})
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize(
    ("nic", "message"),
    [
        ({"macc": "auto"}, "unknown parameter 'macc'"),
        ({"mac": 5}, "'mac' has the value 5, expected a string"),
        ({"mode": "magic"}, "'mode' has the value 'magic', expected one of bridged"),
    ],
)
def test_a_bad_nic_is_refused_at_submission(nic: dict[str, Any], message: str) -> None:
    with pytest.raises(OpPrereqError, match=message):
        decode({**CREATE, "nics": [nic]})


@pytest.mark.parametrize("size", ["10x", 0, True, 1.5, "-3"])
def test_a_bad_size_is_refused_at_submission(size: object) -> None:
    with pytest.raises(OpPrereqError, match="disk/0: 'size'"):
        decode({**CREATE, "disks": [{"size": size}]})


def test_sizes_may_be_texts_and_unknown_disk_keys_belong_to_the_provider() -> None:
    disk = parse_disk({"size": "10g", "provider": "san", "pool": "gold"}, "disk/0")
    assert (disk.size, disk.provider, disk.opaque) == (10240, "san", {"pool": "gold"})
    decode({**CREATE, "disks": [{"size": "10G"}]})


def test_both_forms_of_device_changes_are_read() -> None:
    mods = [("add", {"size": 5}), (2, {"mode": "ro"}), ("remove", "-1", {}), ("attach", 0, {})]
    assert device_changes(mods, "disks") == [
        DeviceChange(ListChange.ADD, LAST, {"size": 5}),
        DeviceChange(ListChange.MODIFY, 2, {"mode": "ro"}),
        DeviceChange(ListChange.REMOVE, -1, {}),
        DeviceChange(ListChange.ATTACH, 0, {}),
    ]
    with pytest.raises(OpPrereqError, match="a change of disks"):
        device_changes([("drop", 0, {})], "disks")


@pytest.mark.parametrize("gateway", ["192.0.2", "none"])
def test_a_bad_address_is_refused_at_submission(gateway: str) -> None:
    data = {"OP_ID": "OP_NETWORK_ADD", "network_name": "lan", "network": "192.0.2.0/24"}
    with pytest.raises(OpPrereqError, match="'gateway' has the value"):
        decode({**data, "gateway": gateway})
    decode({**data, "gateway": "192.0.2.1"})


def test_secrets_are_redacted_at_every_depth_and_private_ones_on_request() -> None:
    inner = {**CREATE, "osparams_secret": {"pw": "hunter2"}, "osparams_private": {"key": "k"}}
    op = OpInstanceMultiAlloc(instances=(inner,))
    assert has_secrets(op)
    for data in (inner, encode(op)):
        assert "hunter2" not in repr(redact(data))
        assert "'k'" in repr(redact(data))
        assert "'k'" not in repr(redact(data, private=True))
    assert redact(inner)["osparams_secret"] == {"pw": "<redacted>"}
    assert redact({"osparams_secret": None}) == {"osparams_secret": None}


def test_what_was_redacted_holds_no_secrets_any_more() -> None:
    op = OpTestOsParams(osparams_secret={"pw": "hunter2"})
    assert has_secrets(op)
    assert not has_secrets(decode(redact(encode(op))))
    assert not has_secrets(OpInstanceStartup(instance_name="web1"))


LEAKS: list[Any] = [
    {**CREATE, "osparams_secret": PASSWORD},
    {**CREATE, "osparams_secret": [PASSWORD]},
    {**CREATE, "osparams_secret": {"key": PASSWORD}, "nope": 1},
    {**CREATE, "osparams_secret": {"key": PASSWORD}, "disks": None},
    {**CREATE, "osparams_secret": {"key": PASSWORD + "\0"}},
    {**CREATE, "osparams_private": PASSWORD},
    {**CREATE, "disks": [{"osparams_secret": {"key": PASSWORD}}, 5]},
    {**CREATE, "disks": {"osparams_private": PASSWORD}},
    {**CREATE, "force_variant": {"osparams_secret": PASSWORD}},
    {"OP_ID": "OP_INSTANCE_MULTI_ALLOC", "instances": {"osparams_secret": {"key": PASSWORD}}},
    {"OP_ID": {"osparams_secret": {"key": PASSWORD}}},
    {"OP_ID": "OP_NOPE", "osparams_secret": {"key": PASSWORD}},
    ["OP_INSTANCE_CREATE", {"osparams_secret": {"key": PASSWORD}}],
    f'{{"OP_ID": "OP_INSTANCE_CREATE", "osparams_secret": {{"key": "{PASSWORD}"}}}}',
]


@pytest.mark.parametrize("data", LEAKS, ids=range(len(LEAKS)))
def test_a_refusal_shows_no_secret_wherever_it_is(data: Any) -> None:
    with pytest.raises(GenericError) as refused:
        decode(data)
    chain: BaseException | None = refused.value
    # What is logged of an error is the whole chain.
    while chain is not None:
        assert PASSWORD not in str(chain.args)
        chain = chain.__cause__


@pytest.mark.parametrize("name", ["comment", "instance_name"])
def test_a_nul_is_refused_in_any_text(name: str) -> None:
    for data in ({**CREATE, name: "a\0b"}, {**CREATE, "osparams": {"a\0": "b"}}):
        with pytest.raises(OpPrereqError, match="OP_INSTANCE_CREATE: a text holds a NUL"):
            decode(data)


@pytest.mark.parametrize("name", ["comment", "mode", "nosuch"])
def test_half_of_a_surrogate_pair_is_refused_in_any_text(name: str) -> None:
    for data in ({**CREATE, name: "ä\udcff"}, {**CREATE, "osparams": {"\ud800": "b"}}):
        with pytest.raises(OpPrereqError, match="OP_INSTANCE_CREATE: a text holds half of a"):
            decode(data)


def test_results_are_compared_with_their_type() -> None:
    check_result(OpTestDelay(duration=1.0), None)
    check_result(OpClusterVerify(), {"jobs": [[True, 5], [False, "full"]]})
    with pytest.raises(OpResultError, match="OP_CLUSTER_VERIFY"):
        check_result(OpClusterVerify(), None)
    with pytest.raises(OpResultError, match="expected null"):
        check_result(OpTestDelay(duration=1.0), 3)


@pytest.mark.parametrize(
    "data",
    [
        {"OP_ID": "OP_INSTANCE_REINSTALL", "osparams_private": {"key": "sesame"}},
        {"OP_ID": "OP_INSTANCE_MULTI_ALLOC", "instances": [{"osparams_private": {"a": "sesame"}}]},
        {"OP_ID": "OP_CLUSTER_SET_PARAMS", "osparams_private_cluster": {"os": {"a": "sesame"}}},
    ],
)
def test_an_opcode_that_is_over_needs_no_private_values(data: dict[str, Any]) -> None:
    found = without_private(data)
    assert "sesame" not in repr(found)
    assert "<redacted>" in repr(found)
    assert without_private(found) is found


def test_one_without_private_values_stays_as_it_is() -> None:
    data = {"OP_ID": "OP_INSTANCE_REINSTALL", "osparams_private": None, "instance_name": "web1"}
    assert without_private(data) is data


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (["add", -1, {"mode": "rx"}], "the new disk: 'mode' has the value 'rx', expected one of"),
        (["attach", -1, {"mode": "rx"}], "the new disk: 'mode'"),
        (["modify", -1, {"mode": "rx"}], "the last disk: 'mode'"),
        ([2, {"mode": "rx"}], "disk 2: 'mode'"),
        (["modify", "data", {"spindles": "x"}], "disk data: 'spindles' has .* an integer$"),
    ],
)
def test_a_change_of_a_disk_says_which_one_it_refuses(change: list[object], said: str) -> None:
    op = {"OP_ID": "OP_INSTANCE_SET_PARAMS", "instance_name": "web1", "disks": [change]}
    with pytest.raises(OpPrereqError, match=said) as refused:
        decode(op)
    assert "null" not in str(refused.value)


def test_where_in_a_nested_value_the_wrong_one_is() -> None:
    op = {"OP_ID": "OP_TAGS_SET", "kind": "node", "name": "node1", "tags": ["a", 7]}
    said = (
        r"'tags' has the value \['a', 7\], expected a list, .* \(at \[1\]: expected a string, got"
    )
    with pytest.raises(OpPrereqError, match=said):
        decode(op)
