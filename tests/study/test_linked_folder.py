"""The folder that a user names for a study may be a symbolic link, as it often is on clusters; links inside may not."""

import pytest

from disentanglement_study import cli, store

BINDINGS = "sweep.methods = ['random_encoder']\nsweep.seeds = 1\n"


@pytest.fixture(scope="module")
def linked(run_tiny, tmp_path_factory):
    """A link to the folder of a study that was made by way of it."""
    home = tmp_path_factory.mktemp("home")
    (home / "scratch").mkdir()
    (home / "study").symlink_to("scratch")
    assert run_tiny(home / "study") == 0
    return home / "study"


def test_a_study_is_made_extended_and_read_where_the_link_leads(linked, run_tiny, capsys):
    assert run_tiny(linked, "sweep.seeds = 2") == 0
    assert linked.is_symlink()
    assert len(store.open(linked.with_name("scratch")).run_ids("done")) == 2
    for command in (
        ["status", str(linked)],
        ["query", str(linked), "SELECT * FROM results"],
        ["logs", str(linked)],
        ["export", str(linked), str(linked.with_name("exported"))],
        ["tables", str(linked)],
        ["evaluate", str(linked), "--metrics", "mig", "--executor", "inline"],
    ):
        assert cli.main(command) == 0, capsys.readouterr().err


def test_what_is_written_may_go_where_a_link_leads(linked, dsprites_root, tmp_path, capsys):
    (tmp_path / "there").mkdir()
    (tmp_path / "link").symlink_to("there")
    command = ["encode", str(linked), "--points", "5", "--output", str(tmp_path / "link")]
    assert cli.main([*command, "--data-dir", str(dsprites_root)]) == 0, capsys.readouterr().err
    assert list((tmp_path / "there").glob("*.npz"))
    assert (tmp_path / "link").is_symlink()


@pytest.mark.parametrize("name", ["run", "status", "query", "evaluate", "doctor", "tables"])
def test_a_link_that_leads_nowhere_is_named_with_where_it_leads(tmp_path, run_tiny, capsys, name):
    (tmp_path / "dang").symlink_to("gone")
    code = run_tiny(tmp_path / "dang") if name == "run" else cli.main([name, str(tmp_path / "dang")])
    assert code == 2
    assert capsys.readouterr().err == f"error: {tmp_path / 'dang'} is a symbolic link to gone, which does not exist\n"
    assert [path.name for path in tmp_path.iterdir()] == ["dang"]
