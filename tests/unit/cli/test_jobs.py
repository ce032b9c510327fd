"""Jobs as commands see them: log, --submit, --print-jobid, failures, reason trail."""

import time

from pyganeti.model.errors import JobQueueDrainError

from .fake_master import FakeMaster, Job, Terminal, named_rows, run

REMOVE = "gnt-instance remove -f web1"


def test_log_messages_are_printed_with_their_time() -> None:
    log = [("message", "* doing it"), ("message-list", ["a", "b"])]
    ran = run(REMOVE, FakeMaster(jobs=[Job(log=log)]))
    assert ran.code == 0
    first, second, third = ran.out.splitlines()
    assert first == f"{time.ctime(1_700_000_000)} * doing it"
    assert (second, third) == (f"{time.ctime(1_700_000_001)} a", "b")


def test_submit_prints_the_id_and_waits_for_nothing() -> None:
    master = FakeMaster()
    ran = run("gnt-instance remove -f --submit web1", master)
    assert (ran.code, ran.out) == (0, "JobID: 1\n")
    assert not master.of("WaitForJobChange")


def test_print_jobid_comes_first() -> None:
    master = FakeMaster(jobs=[Job(log=[("message", "x")])])
    assert run("gnt-instance remove -f --print-jobid web1", master).out.startswith("1\n")


def test_common_parameters() -> None:
    master = FakeMaster()
    run("gnt-instance remove -f -d --reason why --dry-run --priority high web1", master)
    op = master.ops[0]
    assert (op["dry_run"], op["priority"], op["debug_level"]) == (True, -10, 1)
    (user, why, _), (source, command, stamp) = op["reason"]
    assert (user, why) == ("gnt:user", "why")
    assert (source, command) == ("gnt:client:gnt-instance", "remove")
    assert isinstance(stamp, int)


def test_a_failed_job_raises_its_own_error() -> None:
    error = ["OpExecError", ["disk broke"]]
    ran = run(REMOVE, FakeMaster(jobs=[Job("error", error)]))
    assert ran.code == 1
    assert ran.err == "Failure: command execution error:\ndisk broke\n"


def test_a_refused_job_shows_its_code() -> None:
    error = ["OpPrereqError", ["no such thing", "unknown_entity"]]
    ran = run(REMOVE, FakeMaster(jobs=[Job("error", error)]))
    assert "error type: unknown_entity, error details:\nno such thing" in ran.err


def test_a_canceled_job_fails() -> None:
    ran = run("gnt-job watch 1", FakeMaster(jobs=[Job("canceled")]))
    assert ran.code == 1
    assert "Job 1 failed: " in ran.err


def test_a_drained_queue() -> None:
    ran = run(REMOVE, FakeMaster(answers={"SubmitJob": JobQueueDrainError("x")}))
    assert ran.code == 1
    assert "marked for drain" in ran.err


def test_a_waiting_job_says_so_once() -> None:
    states = iter([[["queued"], []], "nochange", "nochange", [["success"], []]])
    master = FakeMaster(answers={"WaitForJobChange": lambda *args: next(states)})
    ran = run(REMOVE, master)
    assert ran.err == "Job 1 is waiting in queue\n"


def test_the_log_goes_on_where_it_stopped() -> None:
    seen = []

    def changes(job: int, fields: list[str], info: object, serial: int, timeout: int) -> object:
        seen.append((info, serial))
        log = [[7, [0, 0], "message", "x"]]
        return [["running"], log] if info is None else [["success"], []]

    run(REMOVE, FakeMaster(answers={"WaitForJobChange": changes}))
    assert seen == [(None, -1), (["running"], 7)]


def test_wait_is_silent() -> None:
    master = FakeMaster(jobs=[Job("error", ["OpExecError", ["x"]], log=[("message", "m")])])
    ran = run("gnt-job wait 1", master)
    assert (ran.code, ran.out, ran.err) == (1, "", "")


def test_watch() -> None:
    ran = run("gnt-job watch 1", FakeMaster(jobs=[Job(log=[("message", "m")])]))
    assert ran.code == 0
    assert ran.out.splitlines()[:2] == ["Output from job 1 follows", "-" * 25]


def test_a_job_id_is_a_number() -> None:
    assert "'x' is not a job id" in run("gnt-job watch x", FakeMaster()).err


def test_info_of_a_missing_job() -> None:
    ran = run("gnt-job info 5", FakeMaster(answers={"QueryJobs": [None]}))
    assert ran.code == 1
    assert "no such job: 5" in ran.err


def test_info() -> None:
    row = [
        3, "success", [10, 0], [11, 0], [12, 500000],
        [{"OP_ID": "OP_TEST_DELAY", "duration": 1.0, "on_nodes": []}], ["success"], [None],
        [[11, 0]], [[11, 0]], [[12, 0]], [[[0, [11, 5], "message", "hello: you"]]],
    ]  # fmt: skip
    ran = run("gnt-job info 3", FakeMaster(answers={"QueryJobs": [row]}))
    assert ran.code == 0
    lines = ran.out.splitlines()
    assert lines[:2] == ["- Job ID: 3", "  Status: success"]
    assert "  Opcodes: " in lines
    assert "    - OP_TEST_DELAY: " in lines
    assert '            Content: "0, hello: you"' in lines
    assert "          duration: 1.0" in lines


def test_cancel_by_id_prints_what_the_master_says() -> None:
    answers = {"CancelJob": lambda job, kill: [job == 1, f"job {job}"]}
    ran = run("gnt-job cancel 1 2", FakeMaster(answers=answers))
    assert (ran.code, ran.out) == (1, "job 1\njob 2\n")


def test_cancel_by_state_asks_first() -> None:
    rows = named_rows({"id": 4, "status": "queued", "summary": ["TEST_DELAY(1)"]})
    answers = {"Query": rows, "CancelJob": lambda job, kill: [True, "gone"]}
    master = FakeMaster(answers=answers)
    assert run("gnt-job cancel --pending", master).code == 13
    assert not master.of("CancelJob")
    terminal = Terminal("y")
    assert run("gnt-job cancel --pending", master, terminal=terminal).code == 0
    assert "4 queued TEST_DELAY(1)" in terminal.written
    assert master.of("CancelJob") == [[4, False]]


def test_killing_asks_even_by_id() -> None:
    master = FakeMaster(answers={"CancelJob": lambda job, kill: [True, ""]})
    assert run("gnt-job cancel --kill 4", master).code == 13
    assert run("gnt-job cancel --kill --yes-do-it 4", master).code == 0
    assert master.of("CancelJob") == [[4, True]]


def test_cancel_needs_ids_or_a_state() -> None:
    assert run("gnt-job cancel", FakeMaster()).code == 1
    assert run("gnt-job cancel --queued 4", FakeMaster()).code == 1


def test_change_priority() -> None:
    master = FakeMaster(answers={"ChangeJobPriority": lambda job, priority: [True, "done"]})
    assert run("gnt-job change-priority --priority low 4", master).out == "done\n"
    assert master.of("ChangeJobPriority") == [[4, 10]]
    assert "--priority is missing" in run("gnt-job change-priority 4", master).err


def test_archive() -> None:
    master = FakeMaster(answers={"ArchiveJob": lambda job: job == 1})
    ran = run("gnt-job archive 1 2", master)
    assert (ran.code, ran.err) == (1, "Failed to archive job with ID 2\n")


def test_autoarchive() -> None:
    master = FakeMaster(answers={"AutoArchiveJobs": [3, 1]})
    assert run("gnt-job autoarchive 1d", master).out == "Archived 3 jobs, 1 unchecked left\n"
    run("gnt-job autoarchive all", master)
    assert [args[0] for args in master.of("AutoArchiveJobs")] == [86400, -1]


def test_submit_job_from_a_file(tmp_path: object) -> None:
    path = f"{tmp_path}/ops"
    with open(path, "w", encoding="utf-8") as handle:
        handle.write('[{"OP_ID": "OP_TEST_DELAY", "duration": 0}]')
    master = FakeMaster()
    ran = run(
        f"gnt-debug submit-job --verbose --timing-stats --op-repeat 2 --job-repeat 2 {path}", master
    )
    assert ran.code == 0
    assert len(master.ops) == 4
    assert "C:op        4\nC:job       2\n" in ran.out


def test_submit_job_refuses_what_are_no_opcodes(tmp_path: object) -> None:
    path = f"{tmp_path}/ops"
    with open(path, "w", encoding="utf-8") as handle:
        handle.write("{}")
    assert (
        "does not hold a list of opcodes" in run(f"gnt-debug submit-job {path}", FakeMaster()).err
    )


def test_delay() -> None:
    master = FakeMaster()
    assert run("gnt-debug delay --no-master -n node1 -n node2 1.5", master).code == 0
    op = master.ops[0]
    assert (op["duration"], op["on_master"], op["on_nodes"]) == (1.5, False, ["node1", "node2"])
