"""How long nodes are idle while a sweep ends, if jobs are cut smaller towards the end, and if slow nodes are known.

    python benchmarks/idle.py              virtual clusters: seconds of jobs are added up, nobody waits
    python benchmarks/idle.py --ray        also jobs that sleep, on a Ray of 8 CPUs that are not there (5 minutes)

Jobs are of 100 models. A model takes 60 to 180 s, by its method; what is expected of it is wrong by up to a quarter.
Of all clusters but the first some nodes take longer for everything: they are of another kind, or others use them too.
whole: jobs are never cut. cut: smaller towards the end, all nodes alike. learnt: and how slow each node is, from the
jobs that have ended there, as `run` does it.
"""

import argparse
import heapq
import itertools
import time
from collections.abc import Callable

from disentanglement_study.config import ResourceConfig
from disentanglement_study.study import dispatch, plan
from disentanglement_study.study.dispatch import pile as piles
from disentanglement_study.types import Job, Run

CLUSTERS = [(8, 3), (8, 10), (8, 42), (16, 42), (64, 126)]
JOB_SIZE = 100
FASTER = 100  # times, where jobs sleep
SLOWER: dict[str, Callable[[int], float]] = {  # times as long, by the number of the node
    "all nodes alike": lambda node: 1.0,
    "half of the nodes take 1.5 times as long": lambda node: 1.5 if node % 2 else 1.0,
    "half of the nodes take 4 times as long": lambda node: 4.0 if node % 2 else 1.0,
    "one node in eight takes 4 times as long": lambda node: 4.0 if node % 8 == 7 else 1.0,
}


def job(number: int, size: int) -> Job:
    return plan.job_of(Run(f"{number}-{seed}", "none", f"method{number}", {}, seed, "dlib") for seed in range(size))


def seconds(one: Job) -> float:
    """That one model of a job takes."""
    return 60.0 + 20.0 * (int(one.method.removeprefix("method")) % 7)


def expected(one: Job) -> float:
    return seconds(one) * (0.75 + 0.5 * (int(one.method.removeprefix("method")) * 0.618 % 1))


def pile(jobs: list[Job], balanced: bool) -> piles.Pile:
    return piles.Pile(jobs, plan.cut if balanced else None, weigh=expected)


def virtual(slots: int, number: int, slower: Callable[[int], float], is_cut: bool, is_learnt: bool) -> float:
    """The share of the nodes' time in which they have nothing to do, on a cluster that is added up."""
    waiting, order, busy = pile([job(one, JOB_SIZE) for one in range(number)], is_cut), itertools.count(), 0.0
    free_at: list[tuple[float, int, int, Job | None, float]] = [
        (0.0, next(order), node, None, 0.0) for node in range(slots)
    ]
    while len(waiting):
        now, _, node, done, took = heapq.heappop(free_at)
        if done:
            waiting.ended(done, took)
        there = sum(1 / waiting.slower(str(one)) for one in range(slots)) if is_learnt else slots
        one = waiting.take(there if is_cut else 1, node=str(node) if is_learnt else None)
        took = slower(node) * seconds(one) * len(one.runs)
        busy += took
        heapq.heappush(free_at, (now + took, next(order), node, one, took))
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
    for text, slower in SLOWER.items():
        print(f"{text}\nnodes  jobs   whole     cut  learnt")
        for slots, number in CLUSTERS:
            shares = [virtual(slots, number, slower, *how) for how in ((False, False), (True, False), (True, True))]
            print(f"{slots:5}  {number:4}  " + "  ".join(f"{share:6.1%}" for share in shares))
        print()
    if options.ray:
        before, after = (on_ray(8, 10, balanced) for balanced in (False, True))
        print(f"8 slots, 10 jobs that sleep, on Ray: whole {before:.1%}, cut {after:.1%}")


if __name__ == "__main__":
    main()
