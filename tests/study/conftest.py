"""What tests of clusters share."""

import tempfile

import pytest


@pytest.fixture
def nodes(tmp_path, monkeypatch):
    """A cluster whose head runs no jobs, in a folder with a short name: Ray's sockets are in it."""
    from ray.cluster_utils import Cluster

    with tempfile.TemporaryDirectory(prefix="ds", dir="/tmp") as folder:
        monkeypatch.setattr("tempfile.tempdir", folder)
        monkeypatch.setenv("TMPDIR", folder)
        made = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
        try:
            yield made
        finally:
            made.shutdown()
