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

    data_sets: the names of the data sets. With options: {data set: {option: value or list of values}}.
    methods: the names of the methods. With hyperparameters and options: {method: {name: value or list of values}};
    lists of one method are multiplied out.
    seeds: a number n, for the seeds 0 to n - 1, or a list of seeds.
    protocol: "dlib" is what the published numbers came from, "paper" what the paper says.
    axes: other settings that runs differ by, {"nets.num_latents": [2, 5, 10]}. They are settings of nets or training,
    or options of a method or a data set.
    own: what the runs of a method have instead of the study's settings, {method: {"train.steps": 9}}. And
    {"mlp_encoder": {"widths": [8]}}, the options of a net or sampling where a run chooses it and the study another.
    where: only runs for which this holds, as `--where` has it: "method == 'pcl' or seed < 5".
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
    """The nets.

    image_size: pixels a side, to which images are averaged down before a net sees them.
    num_latents: the number of codes.
    encoder: the net that encodes, "conv" or "mlp".
    decoder: the net that decodes, "conv" or "mlp".
    encoder_options: the options of the encoder; a sweep says `mlp_encoder.widths`.
    decoder_options: the options of the decoder; a sweep says `mlp_decoder.widths`.
    discriminator_options: the options of the discriminator; a sweep says `discriminator.widths`.
    """

    image_size: Annotated[int, Interval(ge=1, le=4096)] = 64  # a batch of 64 images of 4096 pixels a side is 4 GB
    num_latents: Annotated[int, Interval(ge=1, le=4096)] = 10  # more than a small image has pixels
    encoder: str = "conv"
    decoder: str = "conv"
    encoder_options: Options = dataclasses.field(default_factory=dict)
    decoder_options: Options = dataclasses.field(default_factory=dict)
    discriminator_options: Options = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class TrainConfig:
    """Training.

    The defaults are the study's (Locatello et al. 2019, appendix, table of shared hyperparameters).

    steps: the number of updates.
    batch_size: the number of inputs in a batch.
    learning_rate: the learning rate.
    beta1: Adam's decay of the mean gradient.
    beta2: Adam's decay of the mean squared gradient.
    epsilon: what Adam and Adagrad add to the denominator.
    discriminator_learning_rate: the learning rate of an adversary.
    discriminator_beta1: Adam's decay of the mean gradient, of an adversary.
    discriminator_beta2: Adam's decay of the mean squared gradient, of an adversary.
    sampling: how batches are drawn, the name of a sampling.
    sampling_options: the options of the sampling; a sweep says `train/differ_in_k.k`.
    optimiser: the optimiser of all but adversaries. It is Adam as TensorFlow 1 has it or as optax has it, Adagrad, or
    stochastic gradient descent with `momentum`.
    momentum: the momentum of stochastic gradient descent.
    schedule: how the learning rate changes. It stays as it is, falls to 0 as a line or a cosine, rises over the first
    tenth of the updates before ("warmup_cosine"), or falls to a tenth after half of them ("step").
    precision: the precision of the operands of matrix products and convolutions. Their sums are float32 (see
    `runtime.precision`).
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

    metrics: the names of the metrics.
    representations: which codes are scored, "mean" and "sampled". "abs" and "square" of them, less their means, are
    held against the same of real-valued sources.
    num_train: the points that a metric trains or estimates on.
    num_test: the points that a metric tests on.
    training_batches: the batches over which the losses of the finished model are averaged.
    table_rows: the points that are encoded, from which every metric draws. None, or more than there are: all points.
    keep_codes: the number of points whose codes stay in the store.
    seed: the seed of the metrics' draws, the same for every model.
    sampling: the distribution of the points that are scored, the name of a sampling.
    sampling_options: the options of the sampling; a sweep says `evaluate/random_split.share`.
    options: the options of metrics, {metric: {option: value}}; a sweep says `mig.num_bins`.
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

    job_size: the runs in a job, which is what is dispatched, retried and stored.
    population: the models that are trained together, at most a job. None: as many as fit the device and are fastest.
    num_cpus: the CPU cores that Ray reserves for a job. As many models are scored at once.
    num_gpus: the GPUs that Ray reserves for a job. None: one where the cluster has any, else none.
    tpu: the TPUs that Ray reserves for a job.
    retries: further attempts for a job that fails.
    job_hours: the hours after which an attempt is ended and has failed (on Ray). None: no limit.
    log_every: the updates between two points of a loss curve.
    checkpoint_minutes: the minutes between two checkpoints of a training. 0: no checkpoints.
    encode_batch: the images that are encoded at once.
    by_device: what jobs have instead on nodes of one kind, {"H100": {"job_size": 300, "num_gpus": 0.5}}. The kind is as
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
