"""New certificates for the nodes, and for the authority that signs them, while all goes on.

    trust both -> admit both -> certificates -> admit new -> the key -> trust new -> forget

The parts of ``OP_CLUSTER_RENEW_CRYPTO``, in the order that docs/design/0015-renewing-keys.md gives
the reasons for. Between any two of them the master and every node that answers understand each
other, so none has an undo.
"""

from collections.abc import Mapping
from typing import Final

from pyganeti.kit import tls
from pyganeti.kit.paths import Paths
from pyganeti.kit.threads import in_thread
from pyganeti.master.changes import candidate_digests
from pyganeti.master.jobs.run import Run
from pyganeti.master.reaching import Reaching
from pyganeti.wire.noderpc.certificates import CertificatesInstallCall
from pyganeti.wire.noderpc.files import UploadFileCall
from pyganeti.wire.noderpc.node import NodeVerifyCall
from pyganeti.wire.noderpc.types import NodeVerifyResult

# Under this name a certificate that is about to be replaced counts; Ganeti's form.
OLD: Final = "{}-OLD"
_KEY_MODE: Final = 0o400


class Renewal:
    """A renewal under way.

    Args:
        run: the opcode's.
        nodes: those that are reached.
    """

    def __init__(self, run: Run, nodes: Reaching) -> None:
        self._run = run
        self._nodes = nodes

    async def run(self, authority: tls.Authority, following: tls.Authority | None) -> None:
        """Renew the certificates of all nodes.

        Args:
            authority: whom nodes trust now.
            following: who is to take its place; ``None`` to keep it.

        Raises:
            GenericError: the master itself could not be renewed, or the configuration not changed.
        """
        trusted = authority.certificate
        if following is not None:
            trusted = _both(authority, following)
            async with self._run.step("trust the next authority, too"):
                await self._install(trusted)
        await self._replace(trusted, following or authority)
        if following is not None:
            await self._succeed(following)

    async def _replace(self, trusted: bytes, signer: tls.Authority) -> None:
        """Give nodes new certificates; none counts before it is admitted."""
        issued = await self._issue(signer)
        new = {uuid: tls.certificate_digest(pem) for uuid, pem in issued.items()}
        async with self._run.step("admit new certificates, too"):
            old = await self._digests_in_use()
            both = {**new, **{OLD.format(uuid): digest for uuid, digest in old.items()}}
            self._leave_out(await self._admit(both))
        async with self._run.step("replace certificates"):
            others = {uuid: pem for uuid, pem in issued.items() if uuid != self._nodes.master}
            await self._install(trusted, others)
            await self._install(trusted, {self._nodes.master: issued[self._nodes.master]})
            await self._run.renew_client()
        async with self._run.step("admit new certificates only"):
            await self._admit({uuid: new[uuid] for uuid in new if uuid not in self._nodes.missed})

    async def _succeed(self, following: tls.Authority) -> None:
        """Let ``following`` be the authority."""
        keys = self._run.keys
        async with self._run.step("hand over the authority's key"):
            call = UploadFileCall(file_name=Paths().ca_key, content=following.key, mode=_KEY_MODE)
            await self._nodes.each({self._nodes.master: call})
            # Before the old certificate goes: whoever becomes the master has a pair that fits.
            await self._run.distribute()
        async with self._run.step("trust the new authority only"):
            await self._install(following.certificate)
            await self._run.renew_client()
        async with self._run.step("forget the old authority"):
            await in_thread(keys.forget_next)

    async def _issue(self, signer: tls.Authority) -> dict[str, bytes]:
        view = self._run.config.view
        nodes = [view.node(uuid) for uuid in self._nodes.reached()]
        return await in_thread(self._run.keys.issue, signer, nodes)

    async def _install(
        self, authorities: bytes, certificates: Mapping[str, bytes] | None = None
    ) -> None:
        """Let nodes trust ``authorities``, and show their own of ``certificates`` if given."""
        chosen = self._nodes.reached() if certificates is None else certificates
        await self._nodes.each(
            {
                uuid: CertificatesInstallCall(
                    node_name=self._nodes.names[uuid],
                    authorities=authorities,
                    certificate=None if certificates is None else certificates[uuid],
                )
                for uuid in chosen
            }
        )

    async def _digests_in_use(self) -> dict[str, str]:
        """Digests of the candidates' certificates: an interrupted renewal may have replaced some.

        The configuration does not know which.
        """
        candidates = {node.uuid for node in self._run.config.view.master_candidates()}
        call = NodeVerifyCall(cluster_name=self._run.config.view.cluster.cluster_name)
        wanted = [uuid for uuid in self._nodes.reached() if uuid in candidates]
        found: dict[str, NodeVerifyResult] = await self._nodes.each(dict.fromkeys(wanted, call))
        return {uuid: answer.client_cert_digest for uuid, answer in found.items()}

    async def _admit(self, digests: dict[str, str]) -> dict[str, str]:
        """Let these certificates count as candidates'; nodes that could not be told, by name."""
        await self._run.config.commit(candidate_digests(digests))
        missed = await self._run.distribute()
        return await self._run.distribute() if missed else missed

    def _leave_out(self, missed: Mapping[str, str]) -> None:
        """Nodes that were not told would refuse the master's next certificate."""
        for uuid in self._nodes.reached():
            if self._nodes.names[uuid] in missed:
                self._nodes.missed[uuid] = missed[self._nodes.names[uuid]]


def _both(authority: tls.Authority, following: tls.Authority) -> bytes:
    """All certificates of before and the next one, each once."""
    known = tls.certificates_of(authority.certificate)
    return b"".join(dict.fromkeys([*known, *tls.certificates_of(following.certificate)]))
