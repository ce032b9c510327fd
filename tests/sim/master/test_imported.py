"""Jobs that came from files: what one had done that ran is not known, and that is said."""

from pyganeti.model.enums import JobStatus
from pyganeti.opcodes.instance import OpInstanceStartup
from pyganeti.store.interface import IMPORTED, Delete, Put, Table, Transaction
from tests.sim.instance.make import stopped


async def test_a_job_that_ran_is_not_said_to_be_undone() -> None:
    cluster = stopped()
    await cluster.master()
    async with cluster.held_up("node1", "instance_start"):
        job = await cluster.submit(OpInstanceStartup(instance_name="web1"))
        await cluster.clock.sleep(1.0)
        await cluster.kill_master()
    # As after an import: the job's file, but no journal.
    journal = [Delete(Table.JOURNAL, key) for key in cluster.backend.keys(Table.JOURNAL)]
    assert journal
    seq = cluster.backend.dump().seq + 1
    flag = Put(Table.META, IMPORTED, b"true")
    cluster.backend.apply(Transaction(seq, (*journal, flag)))
    found = (await cluster.master()).queue.get(job)
    assert found.status is JobStatus.ERROR
    assert "is not known and was not undone" in str(found.ops[0].result)
    assert cluster.backend.read(Table.META, IMPORTED) is None
