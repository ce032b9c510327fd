"""What is secret is in no answer, whatever is asked."""

import msgspec

from pyganeti.master.luxi import LuxiMethods
from pyganeti.model.enums import QueryResource
from pyganeti.opcodes.cluster import OpClusterQuery
from pyganeti.opcodes.instance import OpInstanceQueryData
from pyganeti.opcodes.query import OpQuery, OpQueryFields
from pyganeti.testing.cluster import SimCluster
from tests.sim.instance.make_drbd import disks_of, drbd, mirrored


async def all_fields(cluster: SimCluster, what: QueryResource) -> tuple[str, ...]:
    known = await cluster.run(OpQueryFields(what=what))
    return tuple(field["name"] for field in known["fields"])


async def test_no_answer_tells_the_secret_of_a_mirror() -> None:
    cluster = drbd()
    await cluster.run(mirrored())
    ((_, identity),) = disks_of(cluster)
    answers = [
        await cluster.run(OpInstanceQueryData(instances=("web1",), use_locking=True)),
        await cluster.run(OpClusterQuery()),
        await LuxiMethods(await cluster.master()).handle("QueryClusterInfo", []),
    ]
    for what in QueryResource:
        fields = await all_fields(cluster, what)
        assert fields
        answers.append(await cluster.run(OpQuery(what=what, fields=fields)))
    told = msgspec.json.encode(answers)
    # It was asked for the right one: where the mirror is, and how it is reached.
    assert str(identity.port).encode() in told
    assert identity.secret.encode() not in told
