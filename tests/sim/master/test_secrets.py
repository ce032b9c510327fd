"""Secret parameters of jobs: neither stored nor shown."""

import pytest

from pyganeti.testing.cluster import SimCluster
from tests.sim.instance.make import stopped
from tests.sim.master.queueing import luxi, status

SECRET = {
    "OP_ID": "OP_INSTANCE_REINSTALL",
    "instance_name": "web1",
    "osparams_secret": {"message": "sesame"},
    "osparams_private": {"message": "private"},
}


def stored(cluster: SimCluster) -> bytes:
    contents = cluster.backend.dump().contents
    return b"".join(value for rows in contents.values() for value in rows.values())


async def test_secrets_are_never_stored() -> None:
    cluster = stopped()
    methods = await luxi(cluster)
    job_id = await methods.handle("SubmitJob", [[SECRET]])
    assert b"sesame" not in stored(cluster)
    assert b"<redacted>" in stored(cluster)
    await cluster.clock.sleep(60.0)
    assert await status(cluster, job_id) == "success"
    assert b"sesame" not in stored(cluster)
    for node in cluster.nodes.values():
        assert b"sesame" not in repr(node.backend.dump()).encode()


async def test_answers_show_neither_secret_nor_private_values() -> None:
    cluster = stopped()
    methods = await luxi(cluster)
    job_id = await methods.handle("SubmitJob", [[SECRET]])
    fields = ["ops", "opresult", "oplog", "summary"]
    rows = await methods.handle("QueryJobs", [[job_id], fields])
    waited = await methods.handle("WaitForJobChange", [job_id, fields, None, None, 1.0])
    asked = await methods.handle("Query", ["job", ["id", "ops"], None])
    for answer in (rows, waited, asked):
        assert "sesame" not in repr(answer)
        assert "private" not in repr(answer).replace("osparams_private", "")
        assert "<redacted>" in repr(answer)


async def test_a_job_whose_secrets_were_lost_ends_and_says_so() -> None:
    cluster = stopped()
    async with cluster.instance_held("web1"):
        job_id = await (await luxi(cluster)).handle("SubmitJob", [[SECRET]])
        await cluster.clock.sleep(1.0)
        await cluster.kill_master()
        with pytest.raises(RuntimeError, match="no master"):
            cluster.log(job_id)
        assert await status(cluster, job_id) == "error"
        ((result,),) = await (await luxi(cluster)).handle("QueryJobs", [[job_id], ["opresult"]])
    assert "secret" in str(result)
