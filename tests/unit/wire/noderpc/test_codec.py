"""Bodies survive the way there and back; nonsense is refused."""

import pytest

from pyganeti.model.errors import HypervisorError, NodeCallError, from_wire
from pyganeti.wire.noderpc import codec
from pyganeti.wire.noderpc.call import CallContext, TaskId
from pyganeti.wire.noderpc.files import UploadFileCall
from pyganeti.wire.noderpc.guests import (
    GuestInfo,
    GuestState,
)
from pyganeti.wire.noderpc.instance import InstanceInfoCall, InstanceStartCall
from pyganeti.wire.noderpc.specs import (
    DiskSpec,
    InstanceSpec,
)

INSTANCE = InstanceSpec(
    name="web1",
    uuid="u",
    primary_node="n",
    hypervisor="kvm",
    hvparams={"acpi": True, "root_path": None, "serial_speed": 38400},
    disks=(DiskSpec(dev_type="file", logical_id=("loop", "/srv/x"), size=1024),),
)


def test_a_request_keeps_context_and_arguments() -> None:
    ctx = CallContext(epoch=7, job=42, step=3, call=1, attempt=2)
    call = InstanceStartCall(instance=INSTANCE, startup_paused=True)
    request = codec.decode_request(codec.encode_request(ctx, call))
    assert request.ctx == ctx
    assert codec.Codec().call(InstanceStartCall, request.args) == call


def test_bytes_travel() -> None:
    call = UploadFileCall(file_name="/x", content=b"\0\xff")
    request = codec.decode_request(codec.encode_request(CallContext(epoch=1), call))
    assert codec.Codec().call(UploadFileCall, request.args) == call


def test_a_result_is_decoded_by_its_declaration() -> None:
    guest = GuestInfo(name="web1", memory=1, vcpus=1, state=GuestState.RUNNING, cputime=0.5)
    answer = codec.decode_answer(codec.encode_answer(codec.success(guest)))
    call = InstanceInfoCall(name="web1", hypervisor="fake")
    assert codec.Codec().result(type(call), answer.result) == guest


def test_nothing_is_an_answer_too() -> None:
    answer = codec.decode_answer(codec.encode_answer(codec.success(None)))
    call = InstanceInfoCall(name="web1", hypervisor="fake")
    assert answer.ok
    assert codec.Codec().result(type(call), answer.result) is None


def test_tasks_and_errors_travel() -> None:
    started = codec.decode_answer(codec.encode_answer(codec.started(TaskId("1-2-3-4-5"))))
    failed = codec.decode_answer(codec.encode_answer(codec.failure(HypervisorError("no"))))
    assert started.task == "1-2-3-4-5"
    assert not failed.ok
    assert from_wire(failed.error).args == ("no",)


@pytest.mark.parametrize("args", [b"{}", b'{"instance": 3}', b'{"name": "x"}', b"nonsense"])
def test_wrong_arguments_are_refused(args: bytes) -> None:
    with pytest.raises(codec.Refused) as refused:
        codec.Codec().call(InstanceStartCall, args)
    assert refused.value.refusal is codec.Refusal.MALFORMED
    assert "instance_start" in str(refused.value)


def test_a_wrong_result_names_the_procedure() -> None:
    with pytest.raises(NodeCallError, match="instance_info"):
        codec.Codec().result(InstanceInfoCall, b"3")


@pytest.mark.parametrize("body", [b"", b"[]", b'{"ctx": {}}'])
def test_a_broken_envelope_is_refused(body: bytes) -> None:
    with pytest.raises(codec.Refused):
        codec.decode_request(body)


BROKEN = {
    "bytes": b'"\xff"',
    "depth": b"[" * 5000 + b"]" * 5000,
    "length": b'"' + b"x" * 1_000_000 + b'"',
}


def as_request(value: bytes) -> object:
    request = codec.decode_request(b'{"ctx":{"epoch":1},"args":{"file_name":%s}}' % value)
    return codec.Codec().call(InstanceStartCall, request.args)


def as_answer(value: bytes) -> object:
    answer = codec.decode_answer(b'{"ok":true,"result":{"state":%s}}' % value)
    return codec.Codec().result(InstanceInfoCall, answer.result)


@pytest.mark.parametrize("value", BROKEN.values(), ids=BROKEN)
def test_what_is_broken_inside_is_told_in_a_few_words(value: bytes) -> None:
    with pytest.raises(codec.Refused) as refused:
        as_request(value)
    assert refused.value.refusal is codec.Refusal.MALFORMED
    with pytest.raises(NodeCallError) as answered:
        as_answer(value)
    for error in (refused.value.error, answered.value):
        assert len(str(error)) < 1000
