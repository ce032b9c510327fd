"""Config objects to JSON and back: nothing is lost, nothing is added."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyganeti.model.change import CLASSES, AnyObject, Kind, kind_of
from pyganeti.model.codec import decode_config, decode_object, encode_config, encode_object
from pyganeti.model.enums import AdminState, DiskTemplate
from pyganeti.model.errors import ConfigurationError, ConfigVersionMismatch

from . import make

GOLDEN = Path(__file__).parents[2] / "golden" / "config.data"
SCHEMA = json.loads((Path(__file__).parents[2] / "spec" / "config_schema.json").read_text())

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)
VALUES = st.dictionaries(st.text(min_size=1), JSON, max_size=3)
UNKNOWN = st.dictionaries(st.text(min_size=1).map(lambda key: "x-" + key), JSON, max_size=3)

NICS = st.builds(
    make.nic,
    st.integers(0, 255),
    ip=st.none() | st.just("192.0.2.9"),
    network=st.none() | st.just("network-1"),
    name=st.none() | st.text(),
    nicparams=VALUES,
)
INSTANCES = st.builds(
    make.instance,
    st.integers(0, 99),
    name=st.text(min_size=1),
    hvparams=VALUES,
    beparams=VALUES,
    osparams=VALUES,
    osparams_private=VALUES,
    admin_state=st.sampled_from(AdminState),
    nics=st.lists(NICS, max_size=3).map(tuple),
    disks=st.lists(st.text(), max_size=3).map(tuple),
    network_port=st.none() | st.integers(1, 65535),
    tags=st.lists(st.text(), max_size=3).map(tuple),
    ctime=st.floats(0, 2e9),
    forthcoming=st.booleans(),
)
DISKS = st.one_of(
    st.builds(
        make.disk,
        st.integers(0, 99),
        size=st.integers(0, 2**40),
        name=st.none() | st.text(),
        spindles=st.none() | st.integers(0, 9),
        params=st.none() | VALUES,
    ),
    st.builds(make.drbd, st.integers(0, 99), port=st.integers(1, 65535)),
)
NODES = st.builds(
    make.node,
    st.integers(1, 99),
    ndparams=VALUES,
    hv_state_static=st.dictionaries(st.text(), VALUES, max_size=2),
    offline=st.booleans(),
)
GROUPS = st.builds(
    make.group,
    ipolicy=VALUES,
    networks=st.dictionaries(st.text(), VALUES, max_size=2),
    diskparams=st.dictionaries(st.sampled_from(DiskTemplate), VALUES, max_size=2),
)
NETWORKS = st.builds(make.network, gateway=st.none() | st.just("198.51.100.1"))
OBJECTS = st.one_of(INSTANCES, DISKS, NODES, GROUPS, NETWORKS)


@given(OBJECTS)
def test_an_object_survives_json(obj: AnyObject) -> None:
    assert decode_object(kind_of(obj), encode_object(obj)) == obj


@given(OBJECTS, UNKNOWN)
def test_unknown_keys_survive(obj: AnyObject, unknown: dict[str, Any]) -> None:
    given_data = {**json.loads(encode_object(obj)), **unknown}
    again = encode_object(decode_object(kind_of(obj), json.dumps(given_data).encode()))
    assert json.loads(again) == given_data


@given(INSTANCES.filter(lambda i: bool(i.nics)), DISKS, UNKNOWN)
def test_unknown_keys_survive_inside(
    instance: AnyObject, disk: AnyObject, unknown: dict[str, Any]
) -> None:
    data = json.loads(encode_object(instance))
    data["nics"][0].update(unknown)
    assert (
        json.loads(encode_object(decode_object(Kind.INSTANCE, json.dumps(data).encode()))) == data
    )
    data = json.loads(encode_object(disk))
    for child in data["children"]:
        child.update(unknown)
    assert json.loads(encode_object(decode_object(Kind.DISK, json.dumps(data).encode()))) == data


@given(UNKNOWN, UNKNOWN)
def test_unknown_keys_of_the_cluster_survive(
    unknown: dict[str, Any], inside: dict[str, Any]
) -> None:
    data = json.loads(GOLDEN.read_bytes())["cluster"]
    data["data_collectors"] = {"load": {"active": True, "interval": 5, **inside}}
    data.update(unknown)
    again = encode_object(decode_object(Kind.CLUSTER, json.dumps(data).encode()))
    assert json.loads(again) == data


@given(st.lists(OBJECTS, max_size=4), UNKNOWN)
def test_a_configuration_survives(objects: list[AnyObject], unknown: dict[str, Any]) -> None:
    config = make.config(*objects)
    assert decode_config(encode_config(config)) == config
    data = {**json.loads(encode_config(config)), **unknown}
    assert json.loads(encode_config(decode_config(json.dumps(data).encode()))) == data


def test_golden_file_is_written_as_it_was_read() -> None:
    data = GOLDEN.read_bytes()
    config = decode_config(data)
    assert json.loads(encode_config(config)) == json.loads(data)
    instance = next(iter(config.instances.values()))
    assert instance.name == "web1.example.com"
    assert instance.beparams == {"maxmem": 512}
    assert instance.extra == {"future_key": {"a": [1, 2]}}
    assert len(config.disks) == 2


def test_optional_fields_are_left_out_and_the_others_written() -> None:
    data = json.loads(encode_object(make.instance(1)))
    assert "network_port" not in data
    assert "forthcoming" not in data
    assert (data["hvparams"], data["nics"], data["tags"]) == ({}, [], [])
    data = json.loads(encode_object(make.node(1)))
    assert "hv_state_static" not in data
    assert data["ndparams"] == {}


def test_fields_are_those_of_the_schema() -> None:
    names = {kind: CLASSES[kind].__name__ for kind in CLASSES}
    for kind, name in names.items():
        wanted = {field["name"]: field["presence"] for field in SCHEMA["objects"][name]["fields"]}
        if kind is Kind.DISK:
            wanted["dev_type"] = "required"
        info = CLASSES[kind].__struct_fields__
        assert set(info) - {"extra"} == set(wanted), name


def test_a_forthcoming_instance_may_leave_out_what_is_not_decided() -> None:
    data = b'{"uuid":"u","serial_no":1,"name":"web1","forthcoming":true}'
    instance = decode_object(Kind.INSTANCE, data)
    assert getattr(instance, "primary_node") == ""  # noqa: B009  one of several kinds
    with pytest.raises(ConfigurationError, match="primary_node"):
        decode_object(Kind.INSTANCE, data.replace(b"true", b"false"))


def test_a_wrong_type_names_the_object_and_the_field() -> None:
    data = encode_object(make.instance(1)).replace(b'"disks_active":true', b'"disks_active":3')
    with pytest.raises(ConfigurationError, match=r"instance web1\.example\.com: .*disks_active"):
        decode_object(Kind.INSTANCE, data)


def test_parts_are_a_list_or_an_object_as_declared() -> None:
    data = json.loads(encode_object(make.instance(1, nics=(make.nic(1),))))
    data["nics"] = {"0": data["nics"][0]}
    with pytest.raises(ConfigurationError, match=r"instance web1\.example\.com: .*a list"):
        decode_object(Kind.INSTANCE, json.dumps(data).encode())
    data = json.loads(GOLDEN.read_bytes())["cluster"]
    data["data_collectors"] = [{"active": True, "interval": 5}]
    with pytest.raises(ConfigurationError, match=r"cluster .*: .*a mapping"):
        decode_object(Kind.CLUSTER, json.dumps(data).encode())


def test_another_version_is_refused() -> None:
    data = encode_config(make.config()).replace(b'"version":3010000', b'"version":2160000')
    with pytest.raises(ConfigVersionMismatch, match="2160000"):
        decode_config(data)


def test_a_cut_file_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="not readable"):
        decode_config(encode_config(make.config())[:-5])


@pytest.mark.parametrize(
    ("good", "bad"),
    [
        (b'"hvparams":{}', b'"hvparams":{"x":"\xff"}'),
        (b'"hvparams":{}', b'"hvparams":{"x":' + b"[" * 5000 + b"]" * 5000 + b"}"),
        # Of a wrong type and, further on, no JSON.
        (b'"disks_active":true', b'"disks_active":3,"osparams":{"x":"\xff"}'),
        (b'"admin_state":"up"', b'"admin_state":"' + b"x" * 1_000_000 + b'"'),
    ],
    ids=["bytes", "depth", "both", "length"],
)
def test_what_is_broken_inside_is_told_in_a_few_words(good: bytes, bad: bytes) -> None:
    data = encode_config(make.config(make.instance(1)))
    assert good in data
    with pytest.raises(ConfigurationError) as refused:
        decode_config(data.replace(good, bad, 1))
    assert len(str(refused.value)) < 1000


def test_a_wrong_object_that_is_no_json_either_is_refused() -> None:
    data = encode_object(make.instance(1)).replace(b'"disks_active":true', b'"disks_active":3')
    with pytest.raises(ConfigurationError, match="instance is not JSON"):
        decode_object(Kind.INSTANCE, data[:-1] + b',"x":"\xff"}')
