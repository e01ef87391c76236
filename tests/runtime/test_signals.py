"""What is told to stop twice by two who want the same ends in peace; told twice by one, at once."""

import os
import signal
import time

import pytest

from disentanglement_study.runtime import signals


def send(number: int) -> None:
    os.kill(os.getpid(), number)
    time.sleep(0.01)


@pytest.fixture(autouse=True)
def handlers():
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, signal.default_int_handler) for number in numbers]
    yield
    for number, handler in zip(numbers, before, strict=True):
        signal.signal(number, handler)


@pytest.mark.parametrize("first", [signal.SIGINT, signal.SIGTERM])
def test_the_other_signal_changes_nothing(first):
    second = signal.SIGTERM if first == signal.SIGINT else signal.SIGINT
    reached, obeyed = [], []
    signal.signal(first, lambda number, frame: obeyed.append(number))
    signal.signal(second, lambda number, frame: obeyed.append(number))
    with signals.deferred() as stop:
        send(first)
        assert stop
        send(second)
        reached.append("the checkpoint")
        assert obeyed == []
    assert reached == ["the checkpoint"]
    assert obeyed == [first]


def test_the_same_signal_again_is_obeyed_at_once():
    reached = []

    def impatient() -> None:
        with signals.deferred():
            send(signal.SIGTERM)
            send(signal.SIGINT)
            send(signal.SIGTERM)
            reached.append("the checkpoint")

    with pytest.raises(KeyboardInterrupt):
        impatient()
    assert reached == []
