"""Every declared call can travel, and says what its caller must know."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from pyganeti.wire.noderpc import registry
from pyganeti.wire.noderpc.call import (
    DAY_S,
    FAST_S,
    HOURS_4_S,
    NORMAL_S,
    SLOW_S,
    URGENT_S,
    AnyCall,
    NodeCall,
    result_type,
)

CLASSES = {URGENT_S, FAST_S, NORMAL_S, SLOW_S, HOURS_4_S, DAY_S}
# Procedures that Ganeti has not: they carry the epoch, tasks, replication and copies, and tell what
# an undo has to put back.
OWN = {
    "block_sums",
    "block_write",
    "blockdev_accept",
    "blockdev_send",
    "certificates_install",
    "chunk_read",
    "chunk_write",
    "epoch_take",
    "etc_hosts_lookup",
    "export_abandon",
    "export_begin",
    "export_offer",
    "export_publish",
    "export_settle",
    "extstorage_validate",
    "image_check",
    "instance_install",
    "instance_zero",
    "jobqueue_list",
    "migration_cancel",
    "migration_role",
    "migration_traits",
    "remote_end",
    "remote_export",
    "remote_import",
    "remote_listen",
    "ssh_key_ensure",
    "ssh_key_make",
    "ssh_key_take_up",
    "ssh_keys_authorize",
    "ssh_keys_forget",
    "store_apply",
    "store_archived",
    "store_load",
    "store_read",
    "store_state",
    "task_wait",
    "tasks_end",
    "transfer_end",
    "transfer_sync",
}
SPEC = Path(__file__).parents[3] / "spec" / "rpc.json"


@pytest.mark.parametrize("call", registry.ALL_CALLS, ids=lambda call: call.procedure)
def test_arguments_and_result_can_be_decoded(call: type[AnyCall]) -> None:
    msgspec.json.Decoder(call)
    msgspec.json.Decoder(result_type(call))
    assert call.timeout_s in CLASSES
    assert call.changes or not call.long


def test_every_subclass_is_registered_once() -> None:
    procedures = [call.procedure for call in registry.ALL_CALLS]
    assert len(set(procedures)) == len(procedures)
    assert set(NodeCall.__subclasses__()) == set(registry.ALL_CALLS)


def test_names_are_ganetis_or_listed_as_our_own() -> None:
    known: dict[str, Any] = json.loads(SPEC.read_text())
    assert {
        name for name in registry.CALLS if name not in known["_node_side"]["implemented"]
    } == OWN


def test_only_votes_and_copies_are_open_to_all_members() -> None:
    open_calls = {call.procedure for call in registry.ALL_CALLS if call.open_to_members}
    copies = {"block_sums", "block_write", "chunk_read", "chunk_write"}
    assert open_calls == {"version", "master_node_name", *copies}
