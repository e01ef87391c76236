"""The sections of a sweep: frozen dataclasses, which say of each setting what it may be and what it is by default."""

import dataclasses
from typing import Annotated, Any, Literal

from annotated_types import Ge, Gt, Interval, MinLen

Protocol = Literal["dlib", "paper"]
Precision = Literal["float32", "tf32", "bfloat16"]
Representation = Literal["mean", "sampled", "abs", "square"]

# Seeds and steps are int32 on the device.
Seed = Annotated[int, Interval(ge=0, le=2**31 - 1)]
# 80 times the study of 2019. A plan has a row for each run: planning a million takes 46 s and 2.3 GB.
MOST_RUNS = 1_000_000
# A gigabyte of float32 images of 16x16 pixels; at 64x64 it is 17 GB.
BatchSize = Annotated[int, Interval(ge=1, le=2**20)]
NumPoints = Annotated[int, Interval(ge=1, le=2**20 - 1)]  # exact boosting takes no more: `boosting_arrays.MAX_POINTS`
Positive = Annotated[int, Ge(1)]
# Adam moves each weight by about the learning rate in each step: 1e6 diverges at once, and so would all above.
Rate = Annotated[float, Interval(gt=0, le=1e6)]
Decay = Annotated[float, Interval(ge=0, lt=1)]  # Kingma & Ba 2015, algorithm 1
Devices = Annotated[float, Interval(ge=0, le=1_000_000)]  # a share of one, or a whole number: no cluster has a million
Options = dict[str, Any]  # declared beside what takes them


@dataclasses.dataclass(frozen=True)
class SweepConfig:
    """The axes: data sets x methods x strengths x seeds, and others.

    data_sets: names, or {data set: {option: value or list of values}}.
    methods: {method: {hyperparameter or option: value or list of values}}; lists of one method are multiplied out.
    axes: {"nets.num_latents": [2, 5, 10]}: other settings that runs differ by, of nets or training, or options of a
    method or a data set.
    own: {method: {"train.steps": 9}}: settings that its runs have instead of the study's; and {"mlp_encoder":
    {"widths": [8]}}: the options of a net or sampling where a run chooses it and the study another.
    where: of all that is crossed only runs for which this holds, as `--where` has it: "method == 'pcl' or seed < 5".
    seeds: a number n (seeds 0..n-1) or a list. protocol: "dlib" (what the published numbers came from) or "paper".
    """

    data_sets: Annotated[tuple[str, ...], MinLen(1)] | Annotated[dict[str, dict[str, Any]], MinLen(1)]
    methods: Annotated[dict[str, dict[str, Any]], MinLen(1)]
    seeds: Annotated[int, Interval(ge=1, le=MOST_RUNS)] | Annotated[tuple[Seed, ...], MinLen(1)]
    protocol: Protocol = "dlib"
    axes: dict[str, list[Any]] = dataclasses.field(default_factory=dict)
    own: dict[str, Options] = dataclasses.field(default_factory=dict)
    where: str = ""


@dataclasses.dataclass(frozen=True)
class NetConfig:
    """The nets. Images are averaged down to `image_size` pixels a side before a net sees them."""

    image_size: Annotated[int, Interval(ge=1, le=4096)] = 64  # a batch of 64 images of 4096 pixels a side is 4 GB
    num_latents: Annotated[int, Interval(ge=1, le=4096)] = 10  # more than a small image has pixels
    encoder: str = "conv"
    decoder: str = "conv"
    encoder_options: Options = dataclasses.field(default_factory=dict)
    decoder_options: Options = dataclasses.field(default_factory=dict)
    discriminator_options: Options = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class TrainConfig:
    """Training; the defaults are the study's (Locatello et al. 2019, appendix, table of shared hyperparameters).

    sampling: how batches are drawn, a name in `data.draws.sampling`, with its options. optimiser, of all
    but adversaries: Adam as TensorFlow 1 has it or as optax has it, Adagrad, or stochastic gradient descent with
    `momentum`. schedule: of its learning rate, which stays as it is, falls to 0 as a line or a cosine, rises over the
    first tenth of the updates before ("warmup_cosine"), or falls to a tenth after half of them ("step"). precision: of
    the operands of matrix products and convolutions, whose sums are float32 (see `runtime.precision`).
    """

    steps: Annotated[int, Interval(ge=1, le=2**31 - 1)] = 300_000
    batch_size: BatchSize = 64
    learning_rate: Rate = 1e-4
    beta1: Decay = 0.9
    beta2: Decay = 0.999
    epsilon: Annotated[float, Interval(gt=0, le=1)] = 1e-8  # at 0, a weight of gradient 0 becomes NaN
    discriminator_learning_rate: Rate = 1e-4
    discriminator_beta1: Decay = 0.5
    discriminator_beta2: Decay = 0.9
    sampling: str = "iid"
    sampling_options: Options = dataclasses.field(default_factory=dict)
    optimiser: Literal["tf_adam", "adam", "adagrad", "sgd"] = "tf_adam"
    momentum: Decay = 0.9
    schedule: Literal["constant", "linear", "cosine", "warmup_cosine", "step"] = "constant"
    precision: Precision = "float32"


@dataclasses.dataclass(frozen=True)
class EvaluateConfig:
    """Scoring. Sizes are the study's.

    table_rows: points of the factor grid that are encoded (all when None or more than there are); every metric draws
    from them. keep_codes: how many of them stay in the store. options: {metric: {argument: value}}.
    sampling: the distribution of the points, as for training, with its options.
    seed: of the metrics' draws, the same for every model, as in the study. training_batches: batches over which the
    reconstruction, KL and ELBO of the finished model are averaged. representations: "mean" and "sampled" codes; "abs"
    and "square" of them, less their means, are held against the same of real-valued sources.
    """

    metrics: Annotated[tuple[str, ...], MinLen(1)] = (
        "beta_vae_score",
        "factor_vae_score",
        "mig",
        "dci",
        "modularity",
        "explicitness",
        "sap_score",
        "downstream_logistic_regression",
        "downstream_boosted_trees",
        "unsupervised",
    )
    representations: Annotated[tuple[Representation, ...], MinLen(1)] = ("mean", "sampled")
    num_train: NumPoints = 10_000
    num_test: NumPoints = 5_000
    training_batches: Annotated[int, Interval(ge=1, le=2**31 - 1)] = 1000
    table_rows: Annotated[int, Interval(ge=2, le=2**31 - 1)] | None = None
    keep_codes: Annotated[int, Ge(0)] = 1000
    seed: Seed = 0
    sampling: str = "iid"
    sampling_options: Options = dataclasses.field(default_factory=dict)
    options: dict[str, Options] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class ResourceConfig:
    """How jobs run; nothing here changes a score.

    job_size: runs in a job, which is what is dispatched, retried and stored. population: models that are trained
    together, at most a job (None: as many as fit the device and are fastest there). num_cpus, num_gpus, tpu: what Ray
    reserves for a job (num_gpus None: one where the cluster has any, else none); as many models as num_cpus are scored
    at once. retries: more attempts for a job that fails. job_hours: an attempt that takes longer is ended and has
    failed (None: no limit; Ray only). log_every: updates between two points of a loss curve.
    checkpoint_minutes: between two checkpoints of a training (0: none). encode_batch: images encoded at once.
    by_device: what jobs have instead on nodes of one kind, {"H100": {"job_size": 300, "num_gpus": 0.5}}: the kind as
    Ray calls an accelerator, or "cpu" for nodes without one, which a cluster with GPUs does not use otherwise.
    """

    job_size: Positive = 100
    population: Positive | None = None
    num_cpus: Annotated[int, Interval(ge=1, le=1_000_000)] = 1
    num_gpus: Devices | None = None
    tpu: Devices = 0.0
    retries: Annotated[int, Interval(ge=0, le=1000)] = 1  # what fails a thousand times will fail again
    job_hours: Annotated[float, Gt(0)] | None = None
    log_every: Positive = 1000
    checkpoint_minutes: Annotated[float, Ge(0)] = 10.0
    encode_batch: BatchSize = 256
    by_device: dict[str, Options] = dataclasses.field(default_factory=dict)


# Of resources, what `by_device` may give.
BY_DEVICE = ("job_size", "population", "num_cpus", "num_gpus", "tpu")

SECTIONS = {
    "sweep": SweepConfig,
    "nets": NetConfig,
    "train": TrainConfig,
    "evaluate": EvaluateConfig,
    "resources": ResourceConfig,
}
