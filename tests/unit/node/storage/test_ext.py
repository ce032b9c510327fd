"""What providers' scripts are told and what they say: variables, attachments, records."""

from pathlib import Path

import pytest

from pyganeti.model.errors import StorageError
from pyganeti.node.storage.ext.attached import Attachment, Attachments, parse_attached
from pyganeti.node.storage.ext.scripts import PATH, environment, parameters, place
from pyganeti.wire.noderpc.specs import DiskSpec

DISK = DiskSpec(
    dev_type="ext",
    logical_id=("san", "1f.ext.disk0"),
    size=64,
    uuid="u-0",
    iv_name="disk/0",
    params={"access": "userspace", "fromSnap": "a b", "count": 3},
)


def test_scripts_get_these_variables_and_no_others() -> None:
    assert environment(DISK) == {
        "PATH": PATH,
        "VOL_NAME": "1f.ext.disk0",
        "VOL_UUID": "u-0",
        "EXTP_FROMSNAP": "a b",
        "EXTP_COUNT": "3",
    }


@pytest.mark.parametrize("params", [{"a=b": "x"}, {"": "x"}, {"1a": "x"}, {"a": "x\0y"}])
def test_what_cannot_be_a_variable_is_refused(params: dict[str, str]) -> None:
    with pytest.raises(StorageError, match="cannot be a variable"):
        parameters(params)


def test_a_place_has_two_parts() -> None:
    with pytest.raises(StorageError, match="is no volume's place"):
        place(DiskSpec(dev_type="ext", logical_id=("san",), size=1, iv_name="disk/0"))


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ("/dev/sdx\n", Attachment("/dev/sdx", {})),
        ("  /dev/x/../sdx  ", Attachment("/dev/sdx", {})),
        ("\nkvm:rbd:p/v\n", Attachment("", {"kvm": "rbd:p/v"})),
        ("/dev/sdx\r\nkvm:a:b\r\nxen:c\r\n", Attachment("/dev/sdx", {"kvm": "a:b", "xen": "c"})),
    ],
)
def test_attach_says_a_device_and_uris(said: str, found: Attachment) -> None:
    assert parse_attached(said) == found


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("", "neither a block device nor a URI"),
        ("\n\n", "neither a block device nor a URI"),
        ("dev/sdx", "no path of a device"),
        ("/dev/\x1b[2Jsdx", "no path of a device"),
        ("/dev/sdx\nwelcome", "HYPERVISOR:URI belongs"),
        ("/dev/sdx\nkvm:", "HYPERVISOR:URI belongs"),
        ("/dev/sdx\nkvm:\x07", "HYPERVISOR:URI belongs"),
    ],
)
def test_attach_says_nothing_else(said: str, why: str) -> None:
    with pytest.raises(StorageError) as error:
        parse_attached(said)
    assert why in str(error.value)
    assert str(error.value).isprintable()


def test_records_are_kept_by_volume(tmp_path: Path) -> None:
    records = Attachments(str(tmp_path / "records"))
    one, two = ("san", "v0"), ("nas", "v0")
    assert records.get(one) is None
    assert records.holder("/dev/sdx") is None
    records.put(one, Attachment("/dev/sdx", {"kvm": "a:b"}, opened=True))
    records.put(two, Attachment("/dev/sdy", {}))
    again = Attachments(str(tmp_path / "records"))
    assert again.get(one) == Attachment("/dev/sdx", {"kvm": "a:b"}, opened=True)
    assert again.holder("/dev/sdy") == two
    for _ in range(2):
        again.forget(two)
    assert again.holder("/dev/sdy") is None


@pytest.mark.parametrize("text", ["", "{", "[]", '{"path": 3}'])
def test_a_record_that_was_cut_off_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "san").mkdir()
    (tmp_path / "san" / "v0").write_text(text)
    records = Attachments(str(tmp_path))
    assert records.get(("san", "v0")) is None
    records.put(("san", "v0"), Attachment("/dev/sdx", {}))
    assert records.holder("/dev/sdx") == ("san", "v0")


def test_a_record_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "san").touch()
    with pytest.raises(StorageError, match="san"):
        Attachments(str(tmp_path)).put(("san", "v0"), Attachment("/dev/sdx", {}))
