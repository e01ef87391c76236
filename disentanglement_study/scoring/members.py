"""Scores of the models of a job."""

from collections.abc import Callable, Mapping

from disentanglement_study.config import EvaluateConfig
from disentanglement_study.scoring import represent
from disentanglement_study.scoring.evaluate import evaluate, in_threads
from disentanglement_study.scoring.represent import Truth
from disentanglement_study.types import Codes, Job


def score_members(
    job: Job,
    codes: Codes,
    truths: Mapping[str, Truth],
    config: EvaluateConfig,
    num_threads: int,
    complete: bool,
    report: Callable[[float], None],
) -> list[dict]:
    """Rows of every run of a job on every representation: `num_threads` runs at a time.

    truths: what each representation is held against. complete: whether the codes are those of the whole population.
    """

    def score(member: int) -> list[dict]:
        run, rows = job.runs[member], []
        for name, truth in truths.items():
            shown = represent.representation(name, codes, member, run)
            scored = evaluate(
                shown, truth.factors, name, config, run.protocol, complete=complete, sources=truth.sources
            )
            rows += [{"run_id": run.run_id, "target": truth.target, **row} for row in scored]
        return rows

    scores = []
    for member, rows in enumerate(in_threads(score, len(job.runs), num_threads)):
        scores += rows
        report((member + 1) / len(job.runs))
    return scores
