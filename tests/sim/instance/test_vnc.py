"""Parameters of a VNC server that the guest has not."""

import pytest

from pyganeti.model.errors import ECode
from pyganeti.opcodes.instance import OpInstanceSetParams
from pyganeti.testing.cluster import SimCluster
from tests.sim.asserting import assert_refused
from tests.sim.instance.make import create

WITH = {"vnc_bind_address": "127.0.0.1", "vnc_tls": True}


def kvm() -> SimCluster:
    return SimCluster(options={"enabled_hypervisors": ["kvm"]})


def modify(**hvparams: object) -> OpInstanceSetParams:
    return OpInstanceSetParams(instance_name="web1", hvparams=hvparams)


@pytest.mark.parametrize(
    ("name", "value"),
    [("vnc_tls", True), ("vnc_x509_path", "/etc/x"), ("vnc_password_file", "/etc/p")],
)
async def test_refuses_what_only_vnc_has(name: str, value: object) -> None:
    text = f"{name} is set, but vnc_bind_address is empty"
    await assert_refused(kvm(), create(hvparams={name: value}), ECode.INVAL, text)
    cluster = kvm()
    await cluster.run(create(start=False))
    await assert_refused(cluster, modify(**{name: value}), ECode.INVAL, text)


async def test_with_vnc_it_is_taken_and_what_was_set_before_stays() -> None:
    cluster = kvm()
    await cluster.run(create(start=False, hvparams=WITH))
    await cluster.run(modify(vnc_bind_address=""))
    assert cluster.instance("web1").hvparams["vnc_tls"] is True
    await cluster.run(OpInstanceSetParams(instance_name="web1", beparams={"vcpus": 2}))
    await cluster.run(modify(vnc_tls="default"))
    assert "vnc_tls" not in cluster.instance("web1").hvparams


async def test_switched_off_it_needs_no_vnc() -> None:
    cluster = kvm()
    await cluster.run(create(start=False, hvparams={"vnc_tls": False}))
    assert cluster.instance("web1").hvparams["vnc_tls"] is False
