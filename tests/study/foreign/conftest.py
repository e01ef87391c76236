"""Results of disentanglement_lib, and the studies that were made of them."""

import dlib_results
import pytest

from disentanglement_study import cli

# A model of each method, two of one, and one of another data set.
NUMBERS = (0, 1, 351, 649, 999, 1201, 1799, 12_599)


@pytest.fixture(scope="session")
def numbers():
    return NUMBERS


@pytest.fixture(scope="session")
def contents():
    return {path: content for number in NUMBERS for path, content in dlib_results.files(number).items()}


@pytest.fixture(scope="session")
def imported(contents, tmp_path_factory):
    """(the study of a folder of files, that of one file). Tests only read them."""
    folder = tmp_path_factory.mktemp("imported")
    dlib_results.write(folder / "output", contents)
    dlib_results.aggregated(folder / "results.json", contents)
    for path, name in (("output", "of_folder"), ("results.json", "of_file")):
        assert cli.main(["import", "disentanglement_lib", str(folder / path), str(folder / name)]) == 0
    return folder / "of_folder", folder / "of_file"
