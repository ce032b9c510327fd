"""New ssh keys for root on the nodes, while all logins go on.

    made aside -> allowed beside the old ones -> taken up -> the old ones withdrawn

A part of ``OP_CLUSTER_RENEW_CRYPTO``. Candidates may log in on all nodes. Between any two steps the
key that a node uses is allowed everywhere, so none has an undo. Source:
docs/design/0015-renewing-keys.md.
"""

from dataclasses import dataclass

from pyganeti.master.changes import cluster_fields
from pyganeti.master.jobs.run import Run
from pyganeti.master.reaching import Reaching
from pyganeti.model.enums import SshKeyType
from pyganeti.model.ssh_keys import comment_of
from pyganeti.wire.noderpc.ssh import (
    SshKeyMakeCall,
    SshKeysAuthorizeCall,
    SshKeysForgetCall,
    SshKeyTakeUpCall,
)


@dataclass(frozen=True, slots=True)
class SshKind:
    """What keys are to be."""

    type: SshKeyType
    bits: int


async def renew_ssh_keys(run: Run, nodes: Reaching, kind: SshKind) -> None:
    """Give all nodes new keys.

    Raises:
        GenericError: the master itself failed, or the configuration could not be changed.
    """
    async with run.step("make SSH keys"):
        made = await nodes.each(
            {
                uuid: SshKeyMakeCall(
                    kind=kind.type, bits=kind.bits, comment=comment_of(nodes.names[uuid])
                )
                for uuid in nodes.reached()
            }
        )
    candidates = {node.uuid for node in run.config.view.master_candidates()}
    allowed = tuple(made[uuid].public for uuid in made if uuid in candidates)
    former = tuple(public for one in made.values() for public in one.former)
    async with run.step("allow new SSH keys, too"):
        await nodes.each(dict.fromkeys(nodes.reached(), SshKeysAuthorizeCall(allowed=allowed)))
    async with run.step("take up new SSH keys"):
        await nodes.each(
            {
                uuid: SshKeyTakeUpCall(kind=kind.type, public=made[uuid].public)
                for uuid in nodes.reached()
            }
        )
    async with run.step("allow new SSH keys only"):
        call = SshKeysAuthorizeCall(allowed=allowed, withdrawn=former, only=True)
        await nodes.each(dict.fromkeys(nodes.reached(), call))
    if len(nodes.reached()) == len(run.config.view.nodes):
        # Else a node that comes back is to be told of them.
        async with run.step("forget former SSH keys"):
            await nodes.each(dict.fromkeys(nodes.reached(), SshKeysForgetCall()))
    async with run.step("record what they are"):
        fields = {"ssh_key_type": kind.type, "ssh_key_bits": kind.bits}
        await run.config.commit(cluster_fields(**fields))
