import pytest


@pytest.fixture(autouse=True)
def temporary_folders(tmp_path, monkeypatch):
    """tensorflow-datasets leaves an empty folder where temporary files go for each builder."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
