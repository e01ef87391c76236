"""What an executor is given and what it yields."""

from collections.abc import Callable, Generator

from disentanglement_study.config import ResourceConfig
from disentanglement_study.study.dispatch.pile import Pile
from disentanglement_study.types import Job

Work = Callable[[Job, ResourceConfig], None]  # with the resources of where the job runs


Ended = tuple[Job, BaseException | None]  # an error: the job failed in every attempt


Waits = Callable[[str], None]  # is told what the jobs wait for, and "" when they wait no more


Notes = Callable[[Job, str], None]  # is told why an attempt at a job ended before the job had, and what follows


# A generator, so that one that is closed early tells what still runs to stop.
Executor = Callable[[Pile, Work, ResourceConfig, str | None, Waits, Notes], Generator[Ended, None, None]]
