"""Jobs as Ray tasks, on this machine or a cluster: handed out as nodes become free, and tried again."""

import time
from collections import Counter
from collections.abc import Generator

from disentanglement_study.config import ResourceConfig
from disentanglement_study.errors import reason, stop_if_full
from disentanglement_study.study.dispatch import cluster
from disentanglement_study.study.dispatch.kinds import Ended, Notes, Waits, Work
from disentanglement_study.study.dispatch.pile import Pile
from disentanglement_study.study.dispatch.places import Node, Place, check_devices, places
from disentanglement_study.study.dispatch.tasks import Tasks, why_lost

SAY_SECONDS = 60.0  # between two words on what is awaited
LOOK_SECONDS = 1.0  # between two looks at the nodes and at who has begun
MOST_LOST = 20  # times that a job's node may go before the job is suspected of it


def ray(
    pile: Pile,
    work: Work,
    resources: ResourceConfig,
    address: str | None,
    waits: Waits = lambda text: None,
    notes: Notes = lambda job, text: None,
) -> Generator[Ended, None, None]:
    """Jobs as Ray tasks, as many at once as fit the nodes; `address` of a cluster, or None for this machine.

    A task that raises, whose worker dies, or that takes more than `resources.job_hours`, is tried again
    `resources.retries` times. One whose node dies or is emptied, or that is told to go (SIGTERM), is done elsewhere and
    not counted.
    If the block that asks for jobs ends early, those that run are told to stop and make their checkpoints.

    Raises ValueError if no node can run a job and none will come that could.
    """
    with cluster.connected(address) as ray:
        has_gpus = bool(ray.cluster_resources().get("GPU"))
        where, nodes = places(resources, has_gpus), ray.nodes()
        if cluster.is_fixed(address):
            check_devices(resources, nodes)
        if text := cluster.none_for(where, nodes):
            if cluster.is_fixed(address):
                raise ValueError(text)
            waits(f"{text}; Ray is asked for more nodes")
        tasks = Tasks(ray, work)
        try:
            yield from _all(pile, tasks, where, address, waits, notes)
        except (KeyboardInterrupt, GeneratorExit):
            tasks.stop()
            raise


def _all(
    pile: Pile, tasks: Tasks, where: list[Place], address: str | None, waits: Waits, notes: Notes
) -> Generator[Ended, None, None]:
    ray, said, looked = tasks.ray, time.monotonic(), -LOOK_SECONDS
    nodes: list[Node] = []
    begun = 0
    while len(pile) or tasks.running:
        looks = time.monotonic() - looked >= LOOK_SECONDS
        if looks:
            begun, leaving = tasks.begun(), cluster.leaving()
            tasks.leave(leaving)
            nodes = [node for node in ray.nodes() if node["NodeID"] not in leaving]
            looked = time.monotonic()
        _hand_out(pile, tasks, where, nodes)
        if looks and not cluster.is_fixed(address):
            for place in where:  # for as much again as there is
                tasks.ask(place, min(max(place.slots(nodes), 1), len(pile)))
        if tasks.running:
            ended = tasks.ended(LOOK_SECONDS)
        else:  # no node has room for any job; one may come
            time.sleep(LOOK_SECONDS)
            ended = []
        for (job, place, _, node), error, is_lost in ended:
            stop_if_full(error)
            if is_lost and tasks.losses[job.job_id] < MOST_LOST:
                notes(job, f"{why_lost(ray, error)}: it goes on elsewhere")
                tasks.losses[job.job_id] += 1
                pile.put_back(job)
                nodes = [one for one in nodes if one["NodeID"] != node]  # until the next look
            elif error is not None and tasks.failures[job.job_id] < place.resources.retries:
                notes(job, f"an attempt failed: {reason(str(error)) or type(error).__name__}; it is tried again")
                tasks.failures[job.job_id] += 1
                pile.put_back(job)
            else:
                yield job, error
        now = time.monotonic()
        if ended:
            said = now
            waits("")
        elif now - said >= SAY_SECONDS:
            said = now
            text = cluster.none_for(where, nodes)
            if text and address is None:
                raise ValueError(text)
            text = text or ("" if begun else cluster.busy(where, ray))
            waits("; ".join(filter(None, (text, text and cluster.coming()))))


def _hand_out(pile: Pile, tasks: Tasks, where: list[Place], nodes: list[Node]) -> None:
    """Starts a job in every free slot, on the emptiest node first."""
    rooms = [(place, node["NodeID"], room) for place in where for node in nodes if (room := place.room(node))]
    slots = sum(room / pile.slower(node) for _, node, room in rooms)
    busy = Counter(attempt.node for attempt in tasks.running.values())
    free = [(number / room, place, node) for place, node, room in rooms for number in range(busy[node], room)]
    for _, place, node in sorted(free, key=lambda one: one[0]):
        if job := pile.take(slots, place.resources.job_size, node if len(rooms) > 1 else None):
            tasks.start(job, place, node)
