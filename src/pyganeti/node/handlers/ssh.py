"""Answers to calls about root's ssh keys."""

from pyganeti.kit.threads import in_thread
from pyganeti.node.dispatcher import Handler, handles
from pyganeti.node.ssh_keys import SshKeys
from pyganeti.wire.noderpc import ssh as calls


class SshHandlers:
    """Root's ssh keys on a node."""

    def __init__(self, keys: SshKeys) -> None:
        self._keys = keys

    def all(self) -> tuple[Handler, ...]:
        """One handler a procedure."""
        return (
            handles(calls.SshKeyEnsureCall, self._ensure),
            handles(calls.SshKeyMakeCall, self._make),
            handles(calls.SshKeyTakeUpCall, self._take_up),
            handles(calls.SshKeysAuthorizeCall, self._authorize),
            handles(calls.SshKeysForgetCall, self._forget),
        )

    async def _ensure(self, call: calls.SshKeyEnsureCall) -> calls.SshKeyInUse:
        return await in_thread(self._keys.ensure, call.kind, call.bits, call.comment)

    async def _make(self, call: calls.SshKeyMakeCall) -> calls.SshKeyMade:
        return await in_thread(self._keys.make, call.kind, call.bits, call.comment)

    async def _take_up(self, call: calls.SshKeyTakeUpCall) -> None:
        await in_thread(self._keys.take_up, call.kind, call.public)

    async def _authorize(self, call: calls.SshKeysAuthorizeCall) -> None:
        await in_thread(
            self._keys.authorize, call.allowed, call.withdrawn, only=call.only, kept=call.kept
        )

    async def _forget(self, call: calls.SshKeysForgetCall) -> None:
        await in_thread(self._keys.forget_former)
