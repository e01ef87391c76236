"""The console command `disentanglement-study`. Bad input is one line on stderr and exit code 2."""

import argparse
import gc
import os
import sys

from disentanglement_study.cli import (
    analysis,
    catalogue,
    change,
    compare,
    data,
    doctor,
    drain,
    encode,
    export,
    import_results,
    logs,
    results,
    study,
    traverse,
    unmix,
)
from disentanglement_study.cli.options import EXIT_CODES
from disentanglement_study.errors import Failed
from disentanglement_study.runtime.signals import interruptible
from disentanglement_study.runtime.terminal import ERR

BAD_INPUT, FAILED, INTERRUPTED = 2, 3, 130

EXAMPLES = """\
examples:
  disentanglement-study plan locatello2019                       what a sweep holds and what it costs
  disentanglement-study run quick studies/quick                  train and score it here, with local Ray
  disentanglement-study run quick studies/one --gin "sweep.seeds = 1" --where "method == 'beta_vae'"
  disentanglement-study run SWEEP /shared/DIR --address auto     on the Ray cluster that this machine is part of
  disentanglement-study doctor /shared/DIR --address auto         what it would meet there: nodes, devices, folders
  disentanglement-study status studies/quick                      what is done (--watch: how fast, when it ends)
  disentanglement-study logs studies/quick                        what each job did and said, and why it failed
  disentanglement-study retry studies/quick                       the runs that failed, again
  disentanglement-study reproduce studies/quick RUN_ID            train a run again: are its scores the same?
  disentanglement-study merge cluster1/study cluster2/study studies/both
  disentanglement-study evaluate codes.npz --metrics mig,dci      score codes of your own
  disentanglement-study evaluate studies/quick --metrics irs      score a finished study on one metric more
  disentanglement-study figures studies/quick --paper locatello2019
  disentanglement-study report studies/quick                      a page to explore in a browser (--live: while it runs)
  disentanglement-study traverse studies/quick RUN_ID              what a model has learnt: pictures, animations
  disentanglement-study compare studies/quick                      models side by side, and what latents respond to
  disentanglement-study unmix studies/nonlinear_ica_quick          sources, mixture and codes of non-linear ICA
  disentanglement-study encode studies/quick RUN_ID                its codes at every point of the data set
  disentanglement-study data show dsprites                        what a data set looks like (data list: all of them)
  disentanglement-study list metrics                               what there is: methods, data, sweeps, ... (list: all)
  disentanglement-study explain mig                                what one of it is, its options, how to use it
  disentanglement-study import disentanglement_lib output studies/published        results of disentanglement_lib
  disentanglement-study query studies/quick "SELECT method, avg(value) FROM results WHERE score = 'mig' GROUP BY ALL"
  disentanglement-study drain                                     empty this node of a cluster before it is stopped
  disentanglement-study export studies/quick quick_results        tables for others: Parquet or CSV, what each column is

SWEEP is a gin file, or the name of one in sweeps/. Every command can be repeated: what is there is not done again.

"""


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(
        prog="disentanglement-study",
        description="Large reproducibility studies of disentangled representations.",
        epilog=EXAMPLES + EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = top.add_subparsers(metavar="COMMAND", required=True)
    for part in (
        study,
        change,
        results,
        export,
        import_results,
        analysis,
        traverse,
        compare,
        unmix,
        encode,
        data,
        catalogue,
        doctor,
        logs,
        drain,
    ):
        part.add_to(commands)
    return top


def main(argv: list[str] | None = None) -> int:
    # What JAX traces is many small objects, and to look through them again and again was a quarter of planning.
    gc.set_threshold(50_000, 50, 50)
    arguments, others = parser().parse_known_args(argv)
    if others:  # the command's usage says more than that of all
        arguments.command.error(f"unrecognized arguments: {' '.join(others)}")
    try:
        with interruptible(INTERRUPTED):
            arguments.function(arguments)
    except BrokenPipeError:  # who reads our output has seen enough, as `head` has
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # else Python complains when it ends
        return 0
    except (ValueError, OSError) as error:
        if os.environ.get("DISENTANGLEMENT_STUDY_TRACEBACK"):
            raise
        ERR.print(f"error: {_said(error)}", style="red", soft_wrap=True)
        return BAD_INPUT
    except Failed as error:
        ERR.print(str(error), style="red", soft_wrap=True)
        return FAILED
    except MemoryError as error:
        if os.environ.get("DISENTANGLEMENT_STUDY_TRACEBACK"):
            raise
        ERR.print(f"error: there is not enough memory: {_said(error)}", style="red", soft_wrap=True)
        return FAILED
    except KeyboardInterrupt:
        ERR.print("stopped; nothing finished is lost: the same command goes on from here")
        return INTERRUPTED
    return 0


def _said(error: ValueError | OSError | MemoryError) -> str:
    """The message of an error; one of the system begins with the name of the file."""
    if isinstance(error, OSError) and error.filename is not None and error.strerror:
        return f"{error.filename}: {error.strerror}"
    return str(error).strip() or type(error).__name__


if __name__ == "__main__":
    sys.exit(main())
