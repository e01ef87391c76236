"""Jobs are handed out longest first, and in smaller parts towards the end."""

import heapq

import pytest

from disentanglement_study.study import plan
from disentanglement_study.study.dispatch.pile import SHORTEST_SECONDS, Pile
from disentanglement_study.types import Job, Run


def job(method: str, number: int, data_set: str = "dsprites") -> Job:
    return plan.job_of(
        Run(f"{data_set}{method}{seed}", data_set, method, {"beta": 1.0}, seed, "dlib") for seed in range(number)
    )


def weigh(job: Job) -> float:
    return {"short": 1.0, "long": 3.0, "unknown": 0.0}[job.method]


def all_of(pile: Pile, **options) -> list[Job]:
    taken = []
    while one := pile.take(**options):
        taken.append(one)
    return taken


def test_a_single_slot_gets_the_jobs_in_their_order_and_as_they_are():
    jobs = [job("short", 3), job("long", 5), job("unknown", 2)]
    pile = Pile(jobs, plan.cut, weigh=weigh)
    assert pile.num_runs == 10
    assert all_of(pile) == jobs
    assert len(pile) == 0
    assert pile.take() is None


def test_a_place_gets_no_more_runs_than_its_jobs_may_have():
    taken = all_of(Pile([job("short", 7)], plan.cut), largest=3)
    assert [len(one.runs) for one in taken] == [3, 3, 1]
    assert [run for one in taken for run in one.runs] == list(job("short", 7).runs)
    assert taken[0].job_id == plan.group(job("short", 7).runs, 3)[0].job_id  # as `plan` cuts it


def test_the_longest_is_first_and_what_has_begun_is_before_it_and_is_not_cut():
    begun, long, short = job("short", 8), job("long", 4), job("short", 8, "cars3d")
    pile = Pile([short, long, begun], plan.cut, {begun.job_id}, weigh)
    assert pile.take(2, largest=2) == begun
    assert pile.take(2, largest=4) == long


def test_jobs_that_cannot_be_cut_are_not():
    jobs = [job("long", 8), job("short", 2)]
    assert all_of(Pile(jobs, weigh=weigh), slots=4, largest=1) == jobs


def test_at_the_start_every_free_place_gets_something():
    pile = Pile([job("long", 8), job("short", 8)], plan.cut, weigh=weigh)
    taken = [pile.take(4) for _ in range(4)]
    assert [(one.method, len(one.runs)) for one in taken] == [("long", 2), ("long", 2), ("long", 2), ("short", 8)]
    assert pile.num_runs == 2  # who is done first takes of them


def test_what_is_measured_is_believed_and_parts_do_not_get_too_short():
    pile = Pile([job("long", 64), job("short", 64)], plan.cut, weigh=weigh)
    first = pile.take(2, largest=16)
    pile.ended(first, 16 * SHORTEST_SECONDS)  # a minute a run: of the short ones 20 seconds are expected
    sizes = [(one.method, len(one.runs)) for one in all_of(pile, slots=2, largest=16)]
    assert sizes[:2] == [("long", 16), ("long", 8)]  # half of a fair share of 69 minutes, then of 53
    assert sum(number for _, number in sizes) == 128 - 16
    assert min(number for method, number in sizes if method == "long") >= 1
    assert min(number for method, number in sizes if method == "short") in (3, 4)  # 60 seconds and more


def test_compiling_is_not_done_again_for_a_part_that_takes_as_long():
    def smallest(compiling: float) -> int:
        pile = Pile([job("short", 128)], plan.cut)
        pile.ended(pile.take(4, largest=32), 3200.0, compiling)
        return min(len(one.runs) for one in all_of(pile, slots=4, largest=32))

    assert smallest(0.0) == 1
    assert smallest(80.0) == 8


def idle_share(jobs: list[Job], slots: int, balanced: bool, seconds) -> float:
    """The share of the slots' time, from beginning to end, in which they have nothing to do. What is expected of a run
    is wrong by up to a quarter."""
    pile = Pile(jobs, plan.cut if balanced else None, weigh=lambda job: seconds(job) * (0.75 + 0.5 * hash_of(job)))
    free_at, busy, end = [(0.0, slot, None) for slot in range(slots)], 0.0, 0.0
    while len(pile):
        now, slot, done = heapq.heappop(free_at)
        if done:
            pile.ended(done, seconds(done) * len(done.runs))
        one = pile.take(slots if balanced else 1, 100)
        end = now + seconds(one) * len(one.runs)
        busy += end - now
        heapq.heappush(free_at, (end, slot, one))
    return 1 - busy / slots / max(at for at, _, _ in free_at)


def hash_of(job: Job) -> float:
    return int(plan.job_of(job.runs[:1]).job_id, 16) / 16**12


@pytest.mark.parametrize(("slots", "number"), [(8, 10), (8, 3), (16, 42), (64, 126)])
def test_nodes_are_hardly_idle_at_the_end(slots, number):
    names = [f"method{one}" for one in range(number)]
    jobs = [job(name, 100) for name in names]

    def seconds(one: Job) -> float:
        return 60.0 + 20 * (names.index(one.method) % 7)

    before, after = (idle_share(jobs, slots, balanced, seconds) for balanced in (False, True))
    assert after < 0.1
    assert after < before / 2


def idle_share_of_unequal(number: int, slots: int, slow_one_in: int, is_known: bool) -> float:
    """The same where one node in so many takes four times as long for everything; whether the pile is told which slot
    is on which node."""
    pile = Pile([job(f"method{one}", 100) for one in range(number)], plan.cut)
    free_at, busy = [(0.0, slot, None, 0.0) for slot in range(slots)], 0.0
    while len(pile):
        now, slot, done, took = heapq.heappop(free_at)
        if done:
            pile.ended(done, took)
        there = sum(1 / pile.slower(f"node{one}") for one in range(slots)) if is_known else slots
        one = pile.take(there, 100, f"node{slot}" if is_known else None)
        took = 120.0 * len(one.runs) * (1.0 if (slot + 1) % slow_one_in else 4.0)
        busy += took
        heapq.heappush(free_at, (now + took, slot, one, took))
    return 1 - busy / slots / max(at for at, *_ in free_at)


@pytest.mark.parametrize("slow_one_in", [2, 8])
def test_slow_nodes_are_waited_for_if_nobody_knows_which_are(slow_one_in):
    assert idle_share_of_unequal(10, 8, slow_one_in, is_known=False) > 0.2


@pytest.mark.parametrize("slow_one_in", [2, 8, 1000])
@pytest.mark.parametrize(("slots", "number"), [(8, 3), (8, 10), (16, 42), (64, 126)])
def test_slow_nodes_get_less(slots, number, slow_one_in):
    assert idle_share_of_unequal(number, slots, slow_one_in, is_known=True) < 0.08


def test_a_job_that_is_put_back_is_the_next_and_is_not_cut():
    pile = Pile([job("short", 8), job("long", 8)], plan.cut, weigh=weigh)
    first = pile.take(2, 6)
    pile.put_back(first)
    assert (len(pile), pile.num_runs) == (3, 16)
    assert pile.take(100, 1, "node") == first


def test_how_slow_a_node_is_comes_from_what_has_ended_there():
    pile = Pile([job("long", 64), job("short", 64)], plan.cut, weigh=weigh)
    assert pile.slower("a") == pile.slower(None) == 1.0
    first, second = (pile.take(4, 4, node) for node in ("a", "b"))
    assert len(first.runs) == len(second.runs) == 4
    pile.ended(first, 100.0)
    assert pile.slower("a") == 1.0  # there is nothing else to compare it with
    assert pile.slower("b") == 1.0
    pile.ended(second, 300.0)
    assert (pile.slower("a"), pile.slower("b")) == (0.5, 1.5)
    assert pile.slower("c") == 1.0


def test_a_node_that_is_not_known_yet_gets_a_little_first():
    def size(node):
        return len(Pile([job("long", 64)], plan.cut, weigh=weigh).take(2, node=node).runs)

    assert (size(None), size("a")) == (32, 8)
