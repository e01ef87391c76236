"""What the tables of a study are: each column's type, what it holds and its unit. Documentation is made from this.

Types are those of Frictionless's table schema: string, integer, number, boolean, datetime.
"""

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import pyarrow as pa


class Column(NamedTuple):
    """A column of a table. unit: None where a value has none, or one that differs from row to row."""

    name: str
    type: str
    description: str
    unit: str | None = None


RUN_ID = Column("run_id", "string", "The run (one model): 12 hexadecimal digits of the SHA-256 of its settings.")
JOB_ID = Column("job_id", "string", "The job: the runs that were trained together, as one program.")
# Of a run, beside each of its scores.
BINDINGS = (
    Column("data_set", "string", "The data set that the model was trained on."),
    Column("method", "string", "The method, such as beta_vae."),
    Column("objective", "string", "The same as method: the older name of that column."),
    Column("strength_name", "string", "The name of the method's first hyperparameter; empty if it has none."),
    Column("strength", "number", "The value of that hyperparameter; 0 if there is none."),
    Column("seed", "integer", "The seed of the model's random numbers."),
    Column("dlib_model_num", "integer", "The model's number in disentanglement_lib, if it is one of the 12,600."),
)
SCORES = (
    Column("representation", "string", "What was scored: codes (mean, sampled, ...) or the model itself (model)."),
    Column("metric", "string", "The metric that computed the score; training: losses of the model."),
    Column("score", "string", "The name of the score; a metric's main score has the metric's own name."),
    Column("value", "number", "The score; null where it could not be computed."),
    Column("n", "integer", "The points that the metric trained or estimated on.", "points"),
    Column("target", "string", "What the method identifies of real-valued sources: s, |s| or s^2; else null."),
    Column("protocol", "string", "dlib: what published numbers came from. paper: what the paper says."),
    Column("metric_version", "string", "The version of the metric; a new one means that scores may differ."),
    Column("versions", "string", "The versions of the libraries that computed the score."),
    Column("seconds", "number", "The time that the metric took; for a loss, the run's share of training.", "s"),
    Column("error", "string", "Why there is no score, or that the model diverged; null if all is well."),
)
PROVENANCE = (
    Column("device", "string", "The device that computed it."),
    Column("driver", "string", "The driver of a GPU or TPU; null on CPU."),
    Column("host", "string", "The name of the machine; null if its worker was lost."),
    Column("cores", "integer", "The cores that the process could use; on a CPU, the rounding of sums depends on them."),
    Column("started", "datetime", "When it began, UTC."),
    Column("ended", "datetime", "When it ended, UTC."),
    Column("commit", "string", "The git commit of the code; null if the code was no checkout."),
    Column("dirty", "boolean", "Whether the code differed from that commit."),
    Column("package", "string", "The version of disentanglement_study."),
    Column("lock", "string", "SHA-256 of the lock file (sha256:), or of what was installed instead (installed:)."),
    Column("python", "string", "The version of Python."),
)
TABLES: dict[str, tuple[Column, ...]] = {
    "results": (*BINDINGS, RUN_ID, *SCORES),
    "runs": (
        RUN_ID,
        *BINDINGS,
        Column("protocol", "string", "The protocol that the run was planned with: dlib or paper."),
        Column("hyper", "string", "All hyperparameters of the method, JSON."),
        Column("settings", "string", "The settings in which the run differs from the study's, JSON."),
        JOB_ID._replace(description="The job that trained the run; null until it has ended."),
    ),
    "scores": (RUN_ID, *SCORES),
    "curves": (
        RUN_ID,
        Column("step", "integer", "The number of updates before this value.", "updates"),
        Column("term", "string", "The loss, or a term of it."),
        Column("value", "number", "Its value."),
    ),
    "jobs": (
        JOB_ID._replace(
            description="The job. jobs/JOB_ID/operative.gin in the study's folder has all settings that it used."
        ),
        Column("status", "string", "done or failed."),
        Column("data_set", "string", "The data set of its runs."),
        Column("method", "string", "The method of its runs."),
        Column("runs", "integer", "The number of its runs.", "runs"),
        Column("attempts", "integer", "The number of times that a failed job was tried; null if it is done."),
        Column("population", "integer", "The number of models that were trained at once on the device.", "models"),
        Column("versions", "string", "The versions of the libraries that trained the models."),
        Column("seconds_compile", "number", "Compiling the training program.", "s"),
        Column("seconds_train", "number", "Training, without compiling.", "s"),
        Column("seconds_represent", "number", "Encoding the data set.", "s"),
        Column("seconds_evaluate", "number", "Scoring.", "s"),
        *PROVENANCE,
        Column("error", "string", "Why it failed, with the traceback; null if it is done."),
    ),
    "rescored": (
        JOB_ID,
        Column("metric", "string", "A metric that was computed after the job had ended, by `evaluate DIR` or `run`."),
        *PROVENANCE,
    ),
}
ABOUT = {
    "results": "a row for each score, with the bindings of its run: scores and runs joined",
    "runs": "a row for each run (model) of the plan, done or not",
    "scores": "a row for each score of a run",
    "curves": "a row for each term of the training loss at each logged step",
    "jobs": "a row for each job that has ended: its time, device, machine, commit",
    "rescored": "a row for each job and metric that was scored later: where those scores come from",
}
KEYS: dict[str, tuple[str, ...]] = {
    "results": ("run_id", "representation", "metric", "score"),
    "runs": ("run_id",),
    "scores": ("run_id", "representation", "metric", "score"),
    "curves": ("run_id", "step", "term"),
    "jobs": ("job_id",),
    "rescored": ("job_id", "metric"),
}
# {table: {column: the table that has it as its key}}
REFERENCES = {
    "results": {"run_id": "runs"},
    "runs": {"job_id": "jobs"},
    "scores": {"run_id": "runs"},
    "curves": {"run_id": "runs"},
    "rescored": {"job_id": "jobs"},
}


def of(table: str, schema: "pa.Schema") -> list[Column]:
    """The columns of a table as it is in a study, which has settings as columns too, "nets.num_latents"."""
    known = {column.name: column for column in TABLES[table]}
    return [known.get(field.name) or _own(field) for field in schema]


def _own(field: "pa.Field") -> Column:
    from pyarrow import types

    of_arrow = {"boolean": types.is_boolean, "integer": types.is_integer, "number": types.is_floating}
    kind = next((name for name, is_kind in of_arrow.items() if is_kind(field.type)), "string")
    if "." in field.name:
        return Column(field.name, kind, f"The setting {field.name} of the run; null where it has none.")
    return Column(field.name, kind, "A column that only this study has.")


def described(table: str) -> list[tuple[str, str, str]]:
    """(name, type, description with its unit) of each column of a table."""
    return [
        (one.name, one.type, one.description + (f" Unit: {one.unit}." if one.unit else "")) for one in TABLES[table]
    ]
