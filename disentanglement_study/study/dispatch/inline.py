"""Jobs in this process."""

from collections.abc import Generator

from disentanglement_study.config import ResourceConfig
from disentanglement_study.errors import stop_if_full
from disentanglement_study.study.dispatch.kinds import Ended, Notes, Waits, Work
from disentanglement_study.study.dispatch.pile import Pile


def inline(
    pile: Pile,
    work: Work,
    resources: ResourceConfig,
    address: str | None,
    waits: Waits = lambda text: None,
    notes: Notes = lambda job, text: None,
) -> Generator[Ended, None, None]:
    """One job after the other in this process, on whatever device JAX finds: each says itself why it ends."""
    while job := pile.take(largest=resources.job_size):
        for attempt in range(resources.retries + 1):
            try:
                work(job, resources)
            except Exception as error:
                stop_if_full(error)
                if attempt == resources.retries:
                    yield job, error
            else:
                yield job, None
                break
