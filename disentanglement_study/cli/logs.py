"""The console command `logs`: what the jobs of a study did and said."""

import argparse

from disentanglement_study import store
from disentanglement_study.cli import as_json, options
from disentanglement_study.errors import unknown
from disentanglement_study.runtime.terminal import OUT

DETAILS = """\
Every job keeps a log in DIR/logs: when and where each attempt began, what it did when, what Python's logging and
warnings said, and why it failed if it did. It is written as things happen. Later attempts add to it, and so does
scoring the job on more metrics. `merge` takes the logs along, and `export --logs` copies them.

--json prints a list of {job, method, data_set, runs, state, last}, or {job, log} of one job. runs is a number, last the
last line of the log; state is done, failed, running, damaged, or begun (no process runs it now).

examples:
  disentanglement-study logs studies/quick
      List the jobs that have begun, and the last line of each log.
  disentanglement-study logs studies/quick 3f2a
      Show the log of the job whose id begins with 3f2a.
"""
LAST_BYTES = 4096


def logs(arguments: argparse.Namespace) -> None:
    """List the jobs of a study, or show the log of one."""
    from disentanglement_study.cli import display
    from disentanglement_study.runtime import job_log
    from disentanglement_study.study import status as standing

    opened = store.open(arguments.dir)
    jobs = standing.jobs(opened)
    if arguments.job is None:
        last = [job_log.tail(opened.log_file(job), LAST_BYTES).strip().splitlines()[-1:] for job in jobs["job"]]
        listed = jobs.assign(last=[line[0] if line else "" for line in last])
        as_json.write(as_json.records(listed)) if arguments.json else display.show(listed)
        return
    found = [job for job in jobs["job"] if job.startswith(arguments.job)] if arguments.job else []
    if not found:
        raise unknown("job", arguments.job, jobs["job"])
    if len(found) > 1:
        raise ValueError(f"job {arguments.job!r} may be one of {len(found)}, such as {found[0]} and {found[1]}")
    text = job_log.tail(opened.log_file(found[0]))
    if arguments.json:
        return as_json.write({"job": found[0], "log": text})
    OUT.print(text.rstrip("\n") or f"job {found[0]} has no log", soft_wrap=True)


def add_to(commands: options.Commands) -> None:
    """Add the command."""
    command = options.add_command(commands, logs, DETAILS)
    options.folder(command)
    options.json_option(command)
    command.add_argument("job", metavar="JOB", nargs="?", help="the id of a job, or its beginning")
