"""Compiler options."""

from disentanglement_study.runtime import compilation


def test_options_that_this_xla_does_not_know_are_left_out():
    known = {"xla_backend_optimization_level": "1"}
    assert compilation._known(known) == known
    assert compilation._known({"xla_no_such_option": "1"}) is None
    assert compilation._known({"xla_cpu_scheduler_type": "NO_SUCH_TYPE"}) is None
