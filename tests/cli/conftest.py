"""A small study as a user runs it."""

import pytest

from disentanglement_study import cli


@pytest.fixture(scope="module")
def sweep(small_sweep):
    return small_sweep


@pytest.fixture(scope="module")
def run(sweep, dsprites_root):
    """Runs the small sweep into a folder, inline unless told otherwise; returns the exit code."""

    def call(folder, *options: str) -> int:
        executor = () if "--executor" in options else ("--executor", "inline")
        return cli.main(["run", sweep, str(folder), "--data-dir", str(dsprites_root), *executor, *options])

    return call


@pytest.fixture(scope="module")
def finished(finished_study):
    """A finished study, by the inline executor; tests must not change it."""
    return finished_study
