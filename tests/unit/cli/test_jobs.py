"""Jobs as commands see them: log, --submit, --print-jobid, failures, reason trail."""

import time

import pytest

from pyganeti.cli.table import timestamp
from pyganeti.model.errors import JobLost, JobQueueDrainError

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
    assert (ran.code, ran.out, ran.err) == (0, "", "JobID: 1\n")
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


@pytest.mark.parametrize(
    ("state", "result", "says"),
    [
        ("canceled", "Job canceled by job filter U", "Job canceled by job filter U"),
        ("canceled", ["JobCanceled", ["x"]], "job was canceled"),
        ("error", ["OpExecError", ["broke"]], "broke"),
    ],
)
def test_watch_and_wait_of_a_job_that_failed(state: str, result: object, says: str) -> None:
    ran = run("gnt-job watch 1", FakeMaster(jobs=[Job(state, result)]))
    assert ran.code == 1
    assert ran.err.startswith("Job 1 failed: ")
    assert says in ran.err
    waited = run("gnt-job wait 1", FakeMaster(jobs=[Job(state, result)]))
    assert (waited.code, waited.out, waited.err) == (1, "", ran.err)


@pytest.mark.parametrize("command", ["watch", "wait"])
def test_following_an_unknown_job(command: str) -> None:
    lost = FakeMaster(answers={"WaitForJobChange": JobLost("Job 7 not found")})
    ran = run(f"gnt-job {command} 7", lost)
    assert ran.code == 1
    assert "Job 7 not found" in ran.err


@pytest.mark.parametrize(
    ("options", "states"),
    [
        ("--pending", ["canceling", "queued", "waiting"]),
        ("--running", ["running"]),
        ("--error", ["error"]),
        ("--finished", ["canceled", "error", "success"]),
    ],
)
def test_list_by_state(options: str, states: list[str]) -> None:
    master = FakeMaster(answers={"Query": named_rows()})
    wanted = ["|", *(["==", "status", state] for state in states)]
    assert run(f"gnt-job list {options}", master).code == 0
    assert run(f"gnt-job list {options} 5 7", master).code == 0
    archive = ["|", ["?", "archived"], ["!", ["?", "archived"]]]
    assert run(f"gnt-job list --archived {options}", master).code == 0
    assert [args[2] for args in master.of("Query")] == [
        wanted,
        ["&", ["|", ["==", "id", 5], ["==", "id", 7]], wanted],
        ["&", wanted, archive],
    ]


def test_a_list_of_archived_jobs_by_id_asks_for_these_alone() -> None:
    master = FakeMaster(answers={"Query": named_rows()})
    run("gnt-job list --archived 5", master)
    run("gnt-job list --archived", master)
    assert [args[2] for args in master.of("Query")] == [
        ["|", ["==", "id", 5]],
        ["|", ["?", "archived"], ["!", ["?", "archived"]]],
    ]


@pytest.mark.parametrize(
    "line",
    ["list x", "info x", "cancel x", "archive x", "watch x", "wait x", "change-priority "
     "--priority=low x", "cancel -- -5", "info 1.5"],
)  # fmt: skip
def test_what_is_no_job_id_is_refused(line: str) -> None:
    master = FakeMaster()
    ran = run(f"gnt-job {line}", master)
    assert (ran.code, master.calls) == (1, [])
    assert "is not a job id" in ran.err


@pytest.mark.parametrize(
    "line",
    ["archive", "autoarchive", "autoarchive 1d 2d", "info", "wait", "wait 1 2", "watch", "cancel",
     "change-priority --priority=low", "change-priority --priority=low --queued 4"],
)  # fmt: skip
def test_a_wrong_number_of_arguments_is_refused(line: str) -> None:
    master = FakeMaster()
    assert run(f"gnt-job {line}", master).code == 1
    assert not master.calls


def test_the_log_goes_on_where_it_stopped() -> None:
    seen = []

    def changes(job: int, fields: list[str], info: object, serial: int, timeout: int) -> object:
        seen.append((info, serial))
        log = [[7, [0, 0], "message", "x"]]
        return [["running"], log] if info is None else [["success"], []]

    run(REMOVE, FakeMaster(answers={"WaitForJobChange": changes}))
    assert seen == [(None, -1), (["running"], 7)]


def test_wait_prints_nothing_of_a_job() -> None:
    ran = run("gnt-job wait 1", FakeMaster(jobs=[Job(log=[("message", "m")])]))
    assert (ran.code, ran.out, ran.err) == (0, "", "")


def test_watch() -> None:
    ran = run("gnt-job watch 1", FakeMaster(jobs=[Job(log=[("message", "m")])]))
    assert ran.code == 0
    assert ran.out.splitlines()[:2] == ["Output from job 1 follows", "-" * 25]


def test_a_job_id_is_a_number() -> None:
    assert "'x' is not a job id" in run("gnt-job watch x", FakeMaster()).err


def test_info_of_a_missing_job() -> None:
    ran = run("gnt-job info 5", FakeMaster(answers={"QueryJobs": [[5, *11 * [None]]]}))
    assert (ran.code, ran.out) == (1, "- Job ID 5 not found\n")


def test_info_shows_those_that_are_there() -> None:
    row = [3, "queued", [10, 0], None, None, [], [], [], [], [], [], []]
    master = FakeMaster(
        answers={"QueryJobs": lambda ids, fields: [row if ids == [3] else [*ids, *11 * [None]]]}
    )
    ran = run("gnt-job info 4 3", master)
    assert ran.code == 1
    assert ran.out.startswith("- Job ID 4 not found\n- Job ID: 3\n  Status: queued\n")
    assert "Processing start: unknown (None)" in ran.out


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
    assert lines[2:4] == [
        f"  Received:         {timestamp([10, 0])}",
        f"  Processing start: {timestamp([11, 0])} (delta 1.000000s)",
    ]
    assert "    - Opcode: OP_TEST_DELAY" in lines
    assert "          Content: [0, message, hello: you]" in lines
    assert "        duration: 1.0" in lines
    assert "        on_nodes: " in lines


def test_cancel_by_id_prints_what_the_master_says() -> None:
    answers = {"CancelJob": lambda job, kill: [job == 1, f"job {job}"]}
    ran = run("gnt-job cancel 1 2", FakeMaster(answers=answers))
    assert (ran.code, ran.out) == (1, "job 1\njob 2\n")
    assert run("gnt-job cancel 1", FakeMaster(answers=answers)).code == 0


def test_an_unknown_job_does_not_keep_the_others() -> None:
    def cancel(job: int, kill: bool) -> list[object]:
        return [False, "Job 1 not found in queue"] if job == 1 else [True, f"job {job}"]

    master = FakeMaster(answers={"CancelJob": cancel})
    ran = run("gnt-job cancel 1 2", master)
    assert (ran.code, ran.out, ran.err) == (1, "Job 1 not found in queue\njob 2\n", "")
    assert master.of("CancelJob") == [[1, False], [2, False]]


def test_cancel_by_state_asks_first() -> None:
    rows = named_rows({"id": 4, "status": "queued", "summary": ["TEST_DELAY(1)"]})
    answers = {"Query": rows, "CancelJob": lambda job, kill: [True, "gone"]}
    master = FakeMaster(answers=answers)
    assert run("gnt-job cancel --pending", master).code == 13
    assert not master.of("CancelJob")
    terminal = Terminal("n")
    assert run("gnt-job cancel --pending", master, terminal=terminal).code == 13
    assert not master.of("CancelJob")
    terminal = Terminal("y")
    ran = run("gnt-job cancel --pending", master, terminal=terminal)
    assert (ran.code, ran.out) == (0, "4 queued TEST_DELAY(1)\ngone\n")
    assert terminal.written.startswith("Cancel job(s) listed above?\n")
    assert master.of("CancelJob") == [[4, False]]
    ran = run("gnt-job cancel --force --pending", master)
    assert (ran.code, ran.out) == (0, "gone\n")


@pytest.mark.parametrize(
    ("option", "states"),
    [
        ("--pending", ["canceling", "queued", "waiting"]),
        ("--queued", ["queued"]),
        ("--waiting", ["waiting"]),
    ],
)
def test_jobs_are_chosen_by_state(option: str, states: list[str]) -> None:
    for command, method in (
        ("cancel", "CancelJob"),
        ("change-priority --priority=high", "ChangeJobPriority"),
    ):
        rows = named_rows({"id": 4, "status": "queued", "summary": ["TEST_DELAY(1)"]})
        master = FakeMaster(answers={"Query": rows, method: [True, "done"]})
        assert run(f"gnt-job {command} {option} -f", master).code == 0
        ((what, _, qfilter),) = master.of("Query")
        assert (what, qfilter) == ("job", ["|", *(["==", "status", state] for state in states)])
        assert len(master.of(method)) == 1


def test_no_jobs_of_that_state() -> None:
    ran = run("gnt-job cancel --queued", FakeMaster(answers={"Query": named_rows()}))
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.endswith("no job is in one of the states queued\n")


def test_killing_must_be_confirmed_in_words() -> None:
    master = FakeMaster(answers={"CancelJob": lambda job, kill: [True, ""]})
    ran = run("gnt-job cancel --kill 4", master, terminal=Terminal("y"))
    assert ran.code == 1
    assert "--yes-do-it" in ran.err
    assert not master.calls
    for word in ("--yes-do-it", "--ya-rly"):
        assert run(f"gnt-job cancel --kill {word} 4", master).code == 0
    assert master.of("CancelJob") == [[4, True]] * 2


def test_killing_by_state_asks_as_well() -> None:
    rows = named_rows({"id": 4, "status": "waiting", "summary": ["TEST_DELAY(1)"]})
    master = FakeMaster(answers={"Query": rows, "CancelJob": [True, ""]})
    terminal = Terminal("y")
    assert run("gnt-job cancel --kill --yes-do-it --waiting", master, terminal=terminal).code == 0
    assert terminal.written.startswith("KILL job(s) listed above?")


def test_cancel_needs_ids_or_a_state() -> None:
    assert run("gnt-job cancel", FakeMaster()).code == 1
    assert run("gnt-job cancel --queued 4", FakeMaster()).code == 1


def test_change_priority() -> None:
    master = FakeMaster(answers={"ChangeJobPriority": lambda job, priority: [True, "done"]})
    assert run("gnt-job change-priority --priority low 4", master).out == "done\n"
    assert master.of("ChangeJobPriority") == [[4, 10]]
    assert "--priority is missing" in run("gnt-job change-priority 4", master).err


def test_archive() -> None:
    states = {2: ["queued", False], 3: [None, None], 4: ["success", True]}
    answers = {
        "ArchiveJob": lambda job: job == 1,
        "QueryJobs": lambda ids, fields: [states[job] for job in ids],
    }
    master = FakeMaster(answers=answers)
    ran = run("gnt-job archive 2 3 4 1", master)
    assert (ran.code, master.of("ArchiveJob")) == (1, [[2], [3], [4], [1]])
    failed = "Failed to archive job with ID"
    assert ran.err.splitlines() == [
        f"{failed} '2': it has not ended",
        f"{failed} '3': there is no such job",
        f"{failed} '4': it is archived already",
    ]
    assert run("gnt-job archive 1", master).code == 0


def test_autoarchive() -> None:
    master = FakeMaster(answers={"AutoArchiveJobs": [3, 1]})
    assert run("gnt-job autoarchive 1d", master).out == "Archived 3 jobs, 1 unchecked left\n"
    for age in ("all", "90", "90s", "5m", "6h", "2w", "0"):
        assert run(f"gnt-job autoarchive {age}", master).code == 0
    ages = [args[0] for args in master.of("AutoArchiveJobs")]
    assert ages == [86400, -1, 90, 90, 300, 21600, 1209600, 0]


@pytest.mark.parametrize("age", ["x", "1y", "1.5d", "d", "-"])
def test_what_is_no_age_is_refused(age: str) -> None:
    master = FakeMaster()
    assert run(f"gnt-job autoarchive {age}", master).code == 1
    assert not master.calls


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


@pytest.mark.parametrize("flag", ["--job-repeat", "--op-repeat"])
@pytest.mark.parametrize("count", [0, -1])
def test_a_job_is_submitted_at_least_once(tmp_path: object, flag: str, count: int) -> None:
    path = f"{tmp_path}/ops"
    with open(path, "w", encoding="utf-8") as handle:
        handle.write('[{"OP_ID": "OP_TEST_DELAY", "duration": 0}]')
    master = FakeMaster()
    ran = run(f"gnt-debug submit-job {flag}={count} {path}", master)
    assert (ran.code, master.calls) == (1, [])
    assert f"{flag} is {count}, expected 1 or more" in ran.err


def test_delay() -> None:
    master = FakeMaster()
    assert run("gnt-debug delay --no-master -n node1 -n node2 1.5", master).code == 0
    op = master.ops[0]
    assert (op["duration"], op["on_master"], op["on_nodes"]) == (1.5, False, ["node1", "node2"])
