"""A queue under random load, and what must hold of it whatever happens.

The real queue and scheduler on a store in memory and in virtual time; jobs only let time pass. What
should happen is worked out a second time, from all jobs, in the plainest way.
"""

import asyncio
import random
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import msgspec

from pyganeti.kit.clock import LoopClock
from pyganeti.master.queue.filtering import make_rule
from pyganeti.master.queue.job import Job
from pyganeti.master.queue.queue import JobQueue
from pyganeti.master.queue.scheduler import Scheduler
from pyganeti.model.enums import FINALIZED, JobStatus
from pyganeti.model.filter import FilterRule
from pyganeti.store.committer import Committer
from pyganeti.store.interface import Contents, Table
from pyganeti.store.memory import MemoryBackend
from tests.sim.master.queue_facts import Facts

KINDS = ("create", "remove", "move")
BUCKETS = ("rate-limit:1:a", "rate-limit:2:a", "rate-limit:3:b", "just so")
MASTER_DIED = "the master died"


@dataclass
class World:
    """The queue, what happens to it, and what is known of it."""

    seed: int
    rng: random.Random = field(init=False)
    clock: LoopClock = field(default_factory=LoopClock)
    backend: MemoryBackend = field(default_factory=MemoryBackend)
    facts: dict[int, Facts] = field(default_factory=dict)
    rules: list[FilterRule] = field(default_factory=list)
    places: int = 3
    running: dict[int, "asyncio.Task[None]"] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.rng = random.Random(self.seed)
        self._tasks: list[asyncio.Task[None]] = []
        self._changed_at = 0.0
        self.wrong: list[str] = []

    # --- the master's life

    async def start(self) -> None:
        """A master on what is in the store."""
        loop = asyncio.get_running_loop()
        self.store = Committer(self.backend, None)
        contents = await self.store.load()
        self.queue = JobQueue(self.store, self.clock, self._ready)
        self.scheduler = Scheduler(self.queue, self._run_job, lambda: self.places, self.clock)
        self.scheduler.set_rules(self.rules)
        self._tasks = [loop.create_task(self.store.run())]
        await self._take_up(contents)
        self._tasks += [
            loop.create_task(self.scheduler.run()),
            loop.create_task(self.scheduler.ageing.run()),
        ]

    def _ready(self, job: Job) -> None:
        self.scheduler.add(job)

    async def _take_up(self, contents: Contents) -> None:
        self.queue.load(contents)
        for job in self.queue.jobs.values():
            known = self.facts[job.id]
            known.job, known.calm_since = job, self.clock.now()
            if job.status not in FINALIZED and job.status is not JobStatus.QUEUED:
                await self.queue.finish(job, JobStatus.ERROR, MASTER_DIED)
            if known.base != (job.ops[0].input["priority"] or 0):
                known.base, known.since = job.ops[0].priority, self.clock.now()
        self.scheduler.take_up(self.queue.jobs.values())

    async def kill(self) -> None:
        """The master dies."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self.running.clear()

    async def _run_job(self, job: Job) -> None:
        """What stands for the processor: let time pass."""
        task = asyncio.current_task()
        assert task is not None
        # A rule or place that is another one since this very moment was not when it was chosen.
        if self._changed_at < self.clock.now():
            try:
                self._check_start(self.facts[job.id])
            except AssertionError as err:
                self.wrong.append(f"job {job.id} started: {err}")
        self.counts["started"] += 1
        self.running[job.id] = task
        job.ops[0].status = JobStatus.RUNNING
        end, result = self.rng.choice(
            [(JobStatus.SUCCESS, None), (JobStatus.SUCCESS, None), (JobStatus.ERROR, "broke")]
        )
        try:
            await self.queue.save(job)
            self.facts[job.id].runs += 1
            await self.clock.sleep(job.ops[0].input["duration"])
        except asyncio.CancelledError:
            if not task.cancelling() or job.ops[0].status is not JobStatus.CANCELING:
                raise
            task.uncancel()
            end, result = JobStatus.CANCELED, "killed"
        await self.queue.finish(job, end, result)
        del self.running[job.id]
        self._touch_dependents(job)

    # --- what should be

    def verdict(self, known: Facts) -> tuple[str, FilterRule | None]:
        """Action of the first rule that matches, and the rule."""
        for rule in sorted(self.rules, key=lambda rule: (rule.priority, rule.watermark, rule.uuid)):
            holds = all(self._holds(part, rule, known) for part in rule.predicates)
            if holds and rule.action != "CONTINUE":
                return str(rule.action[0] if isinstance(rule.action, tuple) else rule.action), rule
        return "ACCEPT", None

    @staticmethod
    def _holds(predicate: Any, rule: FilterRule, known: Facts) -> bool:  # Any: JSON
        match predicate:
            case ("jobid", [">", "id", "watermark"]):
                return bool(known.job.id > rule.watermark)
            case ("opcode", ["==", "comment", kind]):
                return bool(known.kind == kind)
            case ("reason", ["==", "reason", text]):
                return text in known.buckets
        raise AssertionError(predicate)

    def limits(self, known: Facts) -> dict[str, int]:
        """Limits of a job: name and number."""
        found = {name: int(name.split(":")[1]) for name in known.buckets if ":" in name}
        action, rule = self.verdict(known)
        if rule is not None and isinstance(rule.action, tuple) and action == "RATE_LIMIT":
            found[rule.uuid] = rule.action[1]
        return found

    def unmet(self, known: Facts) -> str | None:
        """``None``: all dependencies are met; ``wait``; or the state in which the job must end."""
        for job_id, wanted in known.depends:
            status = self.facts[job_id].job.status
            if status not in FINALIZED:
                return "wait"
            if status.value not in (wanted or {"success", "error"}):
                return "canceled" if status is JobStatus.CANCELED else "error"
        return None

    def _users(self, limit: str) -> int:
        return sum(limit in self.limits(self.facts[job_id]) for job_id in self.running)

    def _check_start(self, known: Facts) -> None:
        """The job that is started now may start, and before all others that may."""
        assert known.job.status is JobStatus.QUEUED
        assert len(self.running) < self.places
        assert self.verdict(known)[0] in ("ACCEPT", "RATE_LIMIT")
        assert self.unmet(known) is None
        for name, most in self.limits(known).items():
            assert self._users(name) < most, f"{name} is full"
        for other in self.facts.values():
            if other.calm_since < self.clock.now() and self._could_start(other):
                fewer = self.limits(other).keys() <= self.limits(known).keys()
                assert not fewer or other.rank > known.rank, f"{other} before {known}"

    def _could_start(self, known: Facts) -> bool:
        return (
            known.job.status is JobStatus.QUEUED
            and not known.job.is_ending
            and known.job.id not in self.running
            and self.scheduler.task(known.job.id) is None
            and self.verdict(known)[0] in ("ACCEPT", "RATE_LIMIT")
            and self.unmet(known) is None
        )

    def check_rest(self) -> None:
        """Nothing moves any more: each job has ended, or stays for a reason that holds."""
        assert self.wrong == []
        said = {wait.job: wait for wait in self.scheduler.waits()}
        left = {n: known for n, known in self.facts.items() if known.job.status not in FINALIZED}
        assert set(said) == set(left)
        for job_id, known in left.items():
            action, rule = self.verdict(known)
            wait = said[job_id]
            if wait.kind == "filter":
                assert rule is not None
                assert (action, rule.uuid) == ("PAUSE", wait.on)
            else:
                assert (wait.kind, self.unmet(known)) == ("dependency", "wait")
                assert set(wait.holders) <= set(left)
        for known in self.facts.values():
            self._check_end(known)

    def _check_end(self, known: Facts) -> None:
        status, result = known.job.status, known.job.ops[0].result
        if known.runs == 0 and status is not JobStatus.QUEUED:
            assert status is not JobStatus.SUCCESS
            if isinstance(result, str) and "job filter" in result:
                assert known.was_rejected
            elif result not in ("Job canceled by request", MASTER_DIED, "killed"):
                assert self.unmet(known) == status.value
        if status is JobStatus.SUCCESS:
            assert known.runs == 1

    # --- what happens

    async def happen(self) -> None:
        """One thing."""
        things = {
            self._submit: 10, self._submit_many: 2, self._cancel: 3, self._kill_one: 2,
            self._reprioritize: 3, self._change_rules: 2, self._change_places: 1,
            self._archive: 1, self._die: 0.3,
        }  # fmt: skip
        (thing,) = self.rng.choices(list(things), list(things.values()))
        await thing()
        self._note_rejected()
        await self.clock.sleep(self.rng.choice([0.0, 0.0, 0.1, 3.0, 40.0, 2000.0]))

    def _op(self, kind: str, depends: Any) -> dict[str, Any]:  # Any: JSON
        reasons = self.rng.sample(BUCKETS, self.rng.choice([0, 0, 1, 2]))
        return {
            "OP_ID": "OP_TEST_DELAY",
            "duration": round(self.rng.choice([0.5, 10.0, 100.0, 3000.0]) * self.rng.random(), 3),
            "priority": self.rng.choice([-10, 0, 0, 0, 10]),
            "comment": kind,
            "reason": [["gnt:user", reason, 1] for reason in reasons],
            "depends": depends,
        }

    def _dependencies(self) -> list[list[Any]]:
        older = self.rng.sample(sorted(self.facts), min(len(self.facts), 2))
        wanted = self.rng.choice([[], ["success"], ["success", "error"], ["canceled"]])
        return [[job, wanted] for job in older[: self.rng.choice([0, 0, 0, 1, 2])]]

    def _learn(self, job_id: int, op: dict[str, Any], depends: list[list[Any]]) -> None:
        now = self.clock.now()
        self.facts[job_id] = Facts(
            self.queue.jobs[job_id],
            op["comment"],
            frozenset(reason for _, reason, _ in op["reason"]),
            [(job, frozenset(wanted)) for job, wanted in depends],
            op["priority"],
            now,
            now,
        )

    async def _submit(self) -> None:
        depends = self._dependencies()
        op = self._op(self.rng.choice(KINDS), depends)
        self._learn(await self.queue.submit([op]), op, depends)

    async def _submit_many(self) -> None:
        ops = [self._op(self.rng.choice(KINDS), [[-1, []]] if n else None) for n in range(4)]
        before: list[list[Any]] = []
        for op, (good, job) in zip(
            ops, await self.queue.submit_many([[op] for op in ops]), strict=True
        ):
            assert good
            self._learn(int(job), op, before)
            before = [[int(job), []]]

    def _pick(self, *states: JobStatus) -> Job | None:
        jobs = [job for job in self.queue.jobs.values() if job.status in states]
        return self.rng.choice(jobs) if jobs else None

    async def _cancel(self) -> None:
        job = self._pick(JobStatus.QUEUED)
        if job is not None and self.scheduler.task(job.id) is None and not job.is_ending:
            await self.queue.finish(job, JobStatus.CANCELED, "Job canceled by request")
            self.scheduler.job_ended(job)
            self._touch_dependents(job)

    async def _kill_one(self) -> None:
        for job_id, task in self.running.items():
            job = self.queue.jobs[job_id]
            if job.ops[0].status is JobStatus.RUNNING and not job.is_ending:
                job.ops[0].status = JobStatus.CANCELING
                task.cancel()
                return

    async def _reprioritize(self) -> None:
        job = self._pick(JobStatus.QUEUED)
        if job is not None:
            known, priority = self.facts[job.id], self.rng.randrange(-20, 20)
            known.base, known.since = priority, self.clock.now()
            self.scheduler.change_priority(job, priority)
            await self.queue.save(job)
            known.calm_since = self._changed_at = self.clock.now()

    async def _change_rules(self) -> None:
        if self.rules and self.rng.random() < 0.5:
            self.rules.remove(self.rng.choice(self.rules))
        else:
            self.rules.append(self._rule())
        self.set_rules()

    def set_rules(self) -> None:
        """Tell the scheduler what rules there are now."""
        self._changed_at = self.clock.now()
        self.scheduler.set_rules(self.rules)
        self._touch()

    def _rule(self) -> FilterRule:
        predicates = self.rng.sample(
            [
                ["jobid", [">", "id", "watermark"]],
                ["opcode", ["=", "comment", self.rng.choice(KINDS)]],
                ["reason", ["=", "reason", self.rng.choice(BUCKETS)]],
            ],
            self.rng.choice([1, 1, 2]),
        )
        actions = ["PAUSE", "PAUSE", "REJECT", "ACCEPT", "CONTINUE", ["RATE_LIMIT", 1],
                   ["RATE_LIMIT", 2]]  # fmt: skip
        return make_rule(
            f"rule{self.rng.getrandbits(40):x}",
            watermark=self.queue.serial,
            priority=self.rng.randrange(3),
            predicates=predicates,
            action=self.rng.choice(actions),
            reason=(),
        )

    async def _change_places(self) -> None:
        self.places = self.rng.choice([1, 2, 5])
        self._changed_at = self.clock.now()
        self.scheduler.wake()

    async def _archive(self) -> None:
        await self.queue.archive_older(-1, 10.0)

    async def _die(self) -> None:
        self.counts["deaths"] += 1
        await self.kill()
        await self.start()
        self._touch()

    def _touch(self) -> None:
        for known in self.facts.values():
            known.calm_since = self.clock.now()

    def _touch_dependents(self, job: Job) -> None:
        for known in self.facts.values():
            if job.id in {other for other, _ in known.depends}:
                known.calm_since = self.clock.now()

    def _note_rejected(self) -> None:
        for known in self.facts.values():
            if self.verdict(known)[0] == "REJECT":
                known.was_rejected = True

    async def rest(self) -> None:
        """Let all that can run come to its end."""
        await self.clock.sleep(1.0)
        while self.running:
            await self.clock.sleep(5000.0)

    async def close(self) -> None:
        """End."""
        with suppress(asyncio.CancelledError):
            await self.kill()


def stored_states(world: World) -> dict[int, str]:
    """States of all jobs as the store has them."""
    found = {}
    for table in (Table.JOB, Table.ARCHIVE):
        for key in world.backend.keys(table):
            record = msgspec.json.decode(world.backend.read(table, key) or b"")
            found[int(key)] = record["ops"][0]["status"]
    return found
