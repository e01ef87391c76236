"""How many models are trained together: by memory, by a measurement, in equal parts."""

import functools
from unittest import mock

import jax
import pytest

from disentanglement_study.runtime import population


def exhausted():
    return jax.errors.JaxRuntimeError("RESOURCE_EXHAUSTED: Out of memory while trying to allocate 12 bytes.")


def chosen(runs, *, bytes_each=1.0, memory=1e9, seconds=lambda size: 1.0, backend="gpu"):
    """`population.choose` on a device of so much memory; the sizes that were measured beside it."""
    measured = []

    def measure(size):
        measured.append(size)
        return seconds(size)

    with (
        mock.patch.object(population, "device_bytes", return_value=memory),
        mock.patch.object(jax, "default_backend", return_value=backend),
    ):
        return population.choose(runs, lambda size: bytes_each * size, measure), measured


@pytest.mark.parametrize(
    ("runs", "largest", "size"), [(100, 64, 50), (100, 100, 100), (100, 1000, 100), (7, 3, 3), (10, 1, 1), (5, 0, 1)]
)
def test_parts_are_equal_and_as_few_as_can_be(runs, largest, size):
    assert population.even(runs, largest) == size


def test_running_out_of_memory_ends_at_one_model():
    sizes = [100]
    while sizes[-1] > 1:
        sizes.append(population.smaller(100, sizes[-1]))
    assert sizes == [100, 50, 25, 12, 6, 3, 1]


def test_all_are_trained_together_where_that_is_fastest():
    size, measured = chosen(100, seconds=lambda size: 1 + 0.001 * size)
    assert size == 100
    assert measured == [100, 50]  # half as many is measured, and not worth it


def test_the_largest_population_that_fits_is_the_first_to_be_measured():
    size, measured = chosen(100, bytes_each=3.0, memory=100.0)
    assert (size, measured[0]) == (25, 25)


def test_a_faster_half_is_chosen_and_halved_again():
    size, measured = chosen(64, seconds=lambda size: size * (1 + max(size - 16, 0)))
    assert size == 16
    assert measured == [64, 32, 16, 8]


def test_a_difference_within_the_noise_does_not_split_a_population():
    size, _ = chosen(64, seconds=lambda size: size * (1.0 if size == 64 else 0.97))
    assert size == 64


def test_running_out_of_memory_while_measuring_halves_the_population():
    def seconds(size):
        if size > 30:
            raise exhausted()
        return 1.0

    assert chosen(100, seconds=seconds)[0] == 25


def test_a_single_model_that_does_not_fit_is_an_error():
    with pytest.raises(jax.errors.JaxRuntimeError, match="RESOURCE_EXHAUSTED"):
        chosen(4, seconds=mock.Mock(side_effect=exhausted()))


def test_other_errors_are_not_taken_for_memory():
    with pytest.raises(jax.errors.JaxRuntimeError, match="INTERNAL"):
        chosen(4, seconds=mock.Mock(side_effect=jax.errors.JaxRuntimeError("INTERNAL: a bug")))
    assert not population.out_of_memory(ValueError("RESOURCE_EXHAUSTED"))


def test_members_that_take_turns_are_not_measured():
    assert chosen(100, backend="cpu") == (100, [])
    assert chosen(100, backend="cpu", bytes_each=3.0, memory=100.0) == (25, [])


def test_this_machine_says_how_much_memory_it_has():
    assert population.device_bytes() > 2**20
    device = mock.Mock(memory_stats=functools.partial(dict, bytes_limit=7))
    with mock.patch.object(jax, "local_devices", return_value=[device]):
        assert population.device_bytes() == 7
