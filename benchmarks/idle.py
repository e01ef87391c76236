"""How long nodes are idle while a sweep ends, before and after jobs were cut smaller towards the end.

    python benchmarks/idle.py              virtual clusters: seconds of jobs are added up, nobody waits
    python benchmarks/idle.py --ray        also jobs that sleep, on a Ray of 8 CPUs that are not there (5 minutes)

Jobs are of 100 models. A model takes 60 to 180 s, by its method; what is expected of it is wrong by up to a quarter.
The second table is of clusters of which half of the nodes take four times as long for everything. Before: jobs were cut
smaller towards the end, all nodes alike.
"""

import argparse
import heapq
import itertools
import time

from disentanglement_study.config import ResourceConfig
from disentanglement_study.study import dispatch, plan
from disentanglement_study.study.dispatch import pile as piles
from disentanglement_study.types import Job, Run

CLUSTERS = [(8, 3), (8, 10), (8, 42), (16, 42), (64, 126)]
JOB_SIZE = 100
FASTER = 100  # times, where jobs sleep
SLOWER = {"fast": 1.0, "slow": 4.0}  # times, for everything


def job(number: int, size: int) -> Job:
    return plan.job_of(Run(f"{number}-{seed}", "none", f"method{number}", {}, seed, "dlib") for seed in range(size))


def seconds(one: Job) -> float:
    """That one model of a job takes."""
    return 60.0 + 20.0 * (int(one.method.removeprefix("method")) % 7)


def expected(one: Job) -> float:
    return seconds(one) * (0.75 + 0.5 * (int(one.method.removeprefix("method")) * 0.618 % 1))


def pile(jobs: list[Job], balanced: bool) -> piles.Pile:
    return piles.Pile(jobs, plan.cut if balanced else None, weigh=expected)


def virtual(slots: int, number: int, balanced: bool) -> float:
    """The share of the slots' time in which they have nothing to do, on a cluster that is added up."""
    waiting, order, busy = pile([job(one, JOB_SIZE) for one in range(number)], balanced), itertools.count(), 0.0
    free_at: list[tuple[float, int, Job | None]] = [(0.0, next(order), None) for _ in range(slots)]
    while len(waiting):
        now, _, done = heapq.heappop(free_at)
        if done:
            waiting.ended(done, seconds(done) * len(done.runs))
        one = waiting.take(slots if balanced else 1)
        busy += seconds(one) * len(one.runs)
        heapq.heappush(free_at, (now + seconds(one) * len(one.runs), next(order), one))
    return 1 - busy / slots / max(at for at, _, _ in free_at)


def mixed(slots: int, number: int, known: bool) -> float:
    """The same where every other slot is slow; known: whether the pile is told which slot it gives a job to."""
    waiting, order = pile([job(one, JOB_SIZE) for one in range(number)], True), itertools.count()
    kinds, busy = [["fast", "slow"][slot % 2] for slot in range(slots)], 0.0
    free_at: list[tuple[float, int, str, Job | None, float]] = [(0.0, next(order), kind, None, 0.0) for kind in kinds]
    while len(waiting):
        now, _, kind, done, took = heapq.heappop(free_at)
        if done:
            waiting.ended(done, took)
        there = sum(1 / waiting.slower(one) for one in kinds) if known else slots
        one = waiting.take(there, node=kind if known else None)
        took = SLOWER[kind] * seconds(one) * len(one.runs)
        busy += took
        heapq.heappush(free_at, (now + took, next(order), kind, one, took))
    return 1 - busy / slots / max(at for at, *_ in free_at)


def work(one: Job, resources: ResourceConfig) -> None:
    time.sleep(seconds(one) * len(one.runs) / FASTER / JOB_SIZE * 10)


def on_ray(slots: int, number: int, balanced: bool) -> float:
    """The same of jobs that sleep, on Ray."""
    from ray.cluster_utils import Cluster

    piles.SHORTEST_SECONDS = 1.0
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": slots, "include_dashboard": False})
    try:
        waiting, busy, began = pile([job(one, JOB_SIZE) for one in range(number)], balanced), 0.0, None
        resources = ResourceConfig(num_gpus=0.0)
        for done, error in dispatch.ray(waiting, work, resources, cluster.address):
            took = seconds(done) * len(done.runs) / FASTER / JOB_SIZE * 10
            began = began or time.monotonic() - took
            assert error is None
            waiting.ended(done, took)
            busy += took
        return 1 - busy / slots / (time.monotonic() - began)
    finally:
        cluster.shutdown()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ray", action="store_true")
    options = parser.parse_args()
    print("nodes  jobs  idle before  idle after")
    for slots, number in CLUSTERS:
        before, after = (virtual(slots, number, balanced) for balanced in (False, True))
        print(f"{slots:5}  {number:4}  {before:11.1%}  {after:10.1%}")
    print("\nhalf of the nodes slow\nnodes  jobs  idle before  idle after")
    for slots, number in CLUSTERS:
        before, after = (mixed(slots, number, known) for known in (False, True))
        print(f"{slots:5}  {number:4}  {before:11.1%}  {after:10.1%}")
    if options.ray:
        before, after = (on_ray(8, 10, balanced) for balanced in (False, True))
        print(f"{8:5}  {10:4}  {before:11.1%}  {after:10.1%}  jobs that sleep, on Ray")


if __name__ == "__main__":
    main()
