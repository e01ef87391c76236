"""`report --live`: what the page of a study is told, and to whom."""

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from contextlib import contextmanager
from html import escape

import numpy as np
import pytest
from report_study import make_study

from disentanglement_study import cli
from disentanglement_study.live import axes, look, server
from disentanglement_study.live.server import Server
from disentanglement_study.store import Store, in_flight
from disentanglement_study.store.losses_so_far import Line, Losses, Term
from disentanglement_study.store.runs import planned
from disentanglement_study.study import components, plan, watch
from disentanglement_study.training import so_far


@contextmanager
def served(store, port=0):
    with Server(store, port) as served:
        thread = threading.Thread(target=served.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield served
        finally:
            served.shutdown()
            thread.join()


def ask(served, path="/now", method="GET", **headers):
    """The status, the headers and the text of an answer."""
    connection = http.client.HTTPConnection(*served.server_address[:2], timeout=60)
    connection.request(method, path, headers=headers)
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, answer.headers, text


def now(store, path="/now"):
    """What the page is told, and the HTML of each of its sections."""
    with served(store) as one:
        status, _, text = ask(one, path)
    assert status == 200
    seen = json.loads(text)
    return seen, {name: "".join(html for _, html in parts) for name, parts in seen.get("sections", {}).items()}


def words(html):
    return re.sub(r"\s+", " ", re.sub("<[^>]*>", " ", html)).strip()


def files_of(root):
    return {path: (path.stat().st_mtime_ns, path.stat().st_size) for path in sorted(root.rglob("*"))}


@pytest.fixture(scope="module")
def ended(tmp_path_factory):
    """A study of nine of whose models the job failed, and one job of which is missing. Tests only read it."""
    return make_study(tmp_path_factory.mktemp("study") / "of <b>it")


@pytest.fixture
def running(tmp_path):
    """Such a study, whose last job is half trained by a process that runs."""
    store = make_study(tmp_path / "study")
    missing = set(store.plan["run_id"]) - store.run_ids("done") - store.run_ids("failed")
    (job,) = plan.group([run for run in planned(store).values() if run.run_id in missing], 9)
    with store.lock(), in_flight.commanded(store, missing):
        in_flight.write_progress(store, job, "training", 0.25, {"training": (0.5, 45.0)})
        yield store, job


def losses_of(job):
    lines = [Line(run.hyper, run.seed, 1, int(at == 0)) for at, run in enumerate(job.runs)]
    values = [[30.0 + at, None if at == 0 else 20.0 + at] for at in range(len(lines))]
    return Losses([10, 20], lines, {"kl_loss": Term(values, values, values), "loss": Term(values, values, values)})


def test_an_ended_study_says_what_is_done_what_failed_and_how_to_go_on(ended):
    before = files_of(ended.root)
    seen, html = now(ended)
    assert files_of(ended.root) == before
    missing = len(ended.plan) - len(ended.run_ids("done")) - 9
    left = f"The study is not running. {missing} models are left: run the same command again to continue."
    assert seen["state"] == left
    done = len(ended.run_ids("done"))
    counts = f"{len(ended.plan)} models planned {done} done 0 running 9 failed {missing} to do"
    assert counts in words(html["progress"])
    assert words(html["jobs"]) == "No job is running."
    (broken,) = [one for one in ended.manifests() if one["status"] == "failed"]
    command = f"disentanglement-study logs '{ended.root}' {broken['job_id']}"
    assert escape(command) in html["failed"]
    assert "disentanglement-study retry" in html["failed"]
    assert "disentanglement-study report" in html["report"]


def test_texts_of_a_study_are_text(ended):
    _, html = now(ended)
    shown = "".join(html.values())
    assert "&lt;/script&gt;&lt;script&gt;document.title" in html["failed"]
    for tag in ("<b>", "<script", "<img"):
        assert tag not in shown
    with served(ended) as one:
        page = ask(one, "/")[2]
    assert "of &lt;b&gt;it" in page
    assert "<b>" not in page


def test_scores_are_those_of_the_models_that_are_done(ended):
    seen, html = now(ended)
    assert [name for name, _ in seen["scores"]] == ["mig", "dci", "modularity", "sap_score"]
    assert seen["score"] == "mig"
    seen, html = now(ended, "/now?score=dci")
    assert seen["score"] == "dci"
    results = ended.results()
    rows = results[(results["score"] == "dci") & (results["representation"] == "mean") & results["value"].notna()]
    assert html["scores-plot"].count("<circle") == len(rows)
    of_beta = rows.loc[rows["method"] == "beta_vae", "value"]
    assert f"β-VAE: median {of_beta.median():.4g} of {len(of_beta)}" in html["scores-plot"]


@pytest.mark.parametrize("score", ["../../etc/passwd", "<script>", "", "%00", "mig&score=dci"])
def test_a_score_that_the_study_has_not_is_the_first_that_it_has(ended, score):
    seen, _ = now(ended, f"/now?score={score}")
    assert seen["score"] == "mig"


def test_the_scores_of_a_job_are_read_once(ended, monkeypatch):
    read, looking = [], look.Looking(ended)
    headlines = look._headlines
    monkeypatch.setattr(look, "_headlines", lambda *arguments: read.append(arguments) or headlines(*arguments))
    first, again = looking.look(), looking.look()
    assert len(read) == len({path for path, _ in read}) == len(ended.manifests()) - 1
    assert {name: list(found) for name, found in first.scores.items()} == {
        name: list(found) for name, found in again.scores.items()
    }


def test_a_running_study_says_how_far_it_is_and_draws_losses(running):
    store, job = running
    _, html = now(store)
    assert "No losses yet" in html["jobs"]
    in_flight.write_losses(store, job, losses_of(job))
    in_flight.write_progress(store, watch.WAITING, "a GPU \x1b[2J <b>", 0.0)
    before = files_of(store.root)
    seen, html = now(store)
    assert files_of(store.root) == before
    assert seen["state"] == "The study is running."
    assert "9 running" in words(html["progress"])
    assert "Expected end: " in html["progress"]
    assert "Waiting: a GPU \\x1b[2J &lt;b&gt;" in html["progress"]
    assert "9 models, training, 33 %, job" in words(html["jobs"])
    assert words(html["jobs"]).index("Training loss, nats") < words(html["jobs"]).index("KL, nats")
    assert html["jobs"].count('class="curve thin"') == 2 * 9
    name = f"c_max = {job.runs[0].hyper['c_max']:g}: "
    assert f"{name}3 models , 1 diverged" in words(html["jobs"])  # and not what all have
    assert "All models have γ = 2, iteration_threshold = 3000." in words(html["jobs"])
    assert "from 31 to 21" in html["jobs"]


def test_files_that_vanish_or_are_half_there_are_no_trouble(running):
    store, job = running
    for text in ("", '{"steps": [10', "[]"):
        store.losses_file(job.job_id).write_text(text)
        assert "No losses yet" in now(store)[1]["jobs"]
    done = next(one for one in store.manifests() if one["status"] == "done")
    (store.jobs / done["job_id"] / "scores.parquet").write_bytes(b"PAR1")
    assert "state" in now(store)[0]
    store.progress_file(job).write_text("{")
    assert words(now(store)[1]["jobs"]) == "No job has started yet."


def test_a_study_that_cannot_be_read_is_an_error_in_words_and_then_none(running, monkeypatch):
    store, _ = running
    monkeypatch.setattr(server, "FRESH_SECONDS", 0.0)
    monkeypatch.setattr(server, "REST", 0.0)
    with served(store) as one:
        store.root.rename(store.root.with_name("away"))
        seen = json.loads(ask(one)[2])
        assert seen["error"].startswith(f"{store.root}/plan.parquet: cannot be read: No such file or directory; ")
        store.root.with_name("away").rename(store.root)
        assert json.loads(ask(one)[2])["state"] == "The study is running."


def test_what_nobody_thought_of_is_an_error_in_words(ended, monkeypatch):
    def broken(self):
        raise KeyError("what\nis this")

    monkeypatch.setattr(look.Looking, "look", broken)
    assert now(ended)[0]["error"] == "KeyError: 'what\\nis this'"


def test_a_study_of_which_nothing_is_done(tmp_path):
    settings = components.load("quick")
    empty = Store(tmp_path / "study")
    empty.create(plan.frame(plan.expand(settings), settings), settings.text, "{}")
    seen, html = now(empty)
    assert (seen["done"], seen["scores"], seen["score"], html["scores-plot"], html["failed"]) == (0.0, [], None, "", "")
    assert words(html["jobs"]) == "No job is running."


def test_a_training_that_runs_is_seen_as_it_is(small_sweep, dsprites_root, tmp_path, monkeypatch):
    seen, write = [], in_flight.write_losses

    def looked(store, job, losses):
        write(store, job, losses)
        if losses.steps == [20] and not seen:  # half of the first job is trained
            seen.append(now(store))

    monkeypatch.setattr(so_far, "EVERY_SECONDS", 0.0)
    monkeypatch.setattr(in_flight, "write_losses", looked)
    folder = tmp_path / "study"
    command = ["run", small_sweep, str(folder), "--data-dir", str(dsprites_root), "--executor", "inline"]
    assert cli.main([*command, "--where", "method == 'beta_vae'"]) == 0
    ((told, html),) = seen
    assert told["state"] == "The study is running."
    assert "4 models planned 0 done 2 running 0 failed 2 to do" in words(html["progress"])
    assert "β-VAE on dSprites 2 models, training" in words(html["jobs"])
    assert html["jobs"].count('class="curve thin"') == 2 * 3
    assert "up to step 20" in html["jobs"]
    told, html = now(Store(folder))
    assert told["state"] == "The study has ended: all models are done."
    assert words(html["jobs"]) == "No job is running."
    assert not list((folder / "tmp").glob("*.json"))


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:80", "", "127.0.0.1.evil.example", "localhost.evil", "0.0.0.0"]
)
@pytest.mark.parametrize("path", ["/", "/now"])
def test_a_foreign_host_is_told_nothing(ended, host, path):
    with served(ended) as one:
        status, _, text = ask(one, path, Host=host)
    assert status == 403
    assert text == "Open the page as 127.0.0.1 or localhost.\n"


def test_a_host_of_this_machine_is_answered_whatever_its_port(ended):
    with served(ended) as one:
        for host in ("localhost", "LOCALHOST:8000", "127.0.0.1", "127.0.0.1:1"):
            assert ask(one, "/", Host=host)[0] == 200


@pytest.mark.parametrize("path", ["/plan.parquet", "/../plan.parquet", "/%2e%2e/etc/passwd", "/now/", "/study.gin"])
def test_no_file_is_served(ended, path):
    with served(ended) as one:
        assert ask(one, path)[0] == 404
        assert ask(one, "/", method="POST")[0] == 501


def test_it_listens_on_the_loopback_interface_alone_and_says_what_the_page_may_do(ended):
    with served(ended) as one:
        assert one.server_address[0] == "127.0.0.1"
        assert one.url == f"http://127.0.0.1:{one.server_address[1]}/"
        _, headers, page = ask(one, "/")
        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe-inline" not in policy.partition("script-src")[2]
        assert not re.search(r"(src|href)=.?(https?:)?//", page)
        for path in ("/", "/now"):
            assert ask(one, path)[1]["X-Content-Type-Options"] == "nosniff"


def test_a_port_that_is_taken_is_named(ended, capsys):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert cli.main(["report", str(ended.root), "--live", "--port", str(port)]) == 2
    assert capsys.readouterr().err == (
        f"error: port {port} is taken: choose another, or leave out --port to get a free one\n"
    )


@pytest.mark.parametrize("port", ["-1", "65536", "x", "80.5"])
def test_a_port_that_is_none_is_refused(ended, port, capsys):
    with pytest.raises(SystemExit) as refused:
        cli.main(["report", str(ended.root), "--live", "--port", port])
    assert refused.value.code == 2
    assert port in capsys.readouterr().err


def test_options_that_do_not_go_together_are_refused(ended, tmp_path, capsys):
    assert cli.main(["report", str(ended.root), "--port", "8000"]) == 2
    assert "--port needs --live" in capsys.readouterr().err
    assert cli.main(["report", str(ended.root), "--live", "--output", str(tmp_path)]) == 2
    assert "--output cannot be used with --live" in capsys.readouterr().err
    assert cli.main(["report", str(tmp_path), "--live"]) == 2
    assert "holds no study" in capsys.readouterr().err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_ends_it(ended, number):
    command = [sys.executable, "-m", "disentanglement_study", "report", str(ended.root), "--live"]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, **pipes, text=True, env=environment) as process:
        line = process.stdout.readline()
        assert line.endswith(f"/ shows {ended.root} until Ctrl-C\n")
        port = int(re.match(r"http://127\.0\.0\.1:(\d+)/ ", line)[1])
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        connection.request("GET", "/now")  # and stays open
        assert connection.getresponse().status == 200
        process.send_signal(number)
        out, err = process.communicate(timeout=60)
        connection.close()
    assert (process.returncode, out, err) == (0, "", "")


def test_axes_have_round_numbers_within_them():
    for low, high in [(0, 1), (-3, 7), (1e-9, 2e-9), (5, 5), (0, 0), (1e12, 3e12), (-0.1, 1e5)]:
        axis = axes.spanning(low, high, 0, 100)
        found = axes.ticks(axis, 5)
        assert 1 <= len(found) <= 6
        assert all(axis.low - 1e-6 * (axis.high - axis.low) <= one <= axis.high * (1 + 1e-6) + 1e-12 for one in found)
    assert axes.ticks(axes.spanning(0, 1, 0, 1), 5) == pytest.approx([0, 0.2, 0.4, 0.6, 0.8, 1])


def test_a_few_values_far_away_hide_no_others():
    calm = np.linspace(10, 20, 100)
    assert axes.limits(calm) == (10, 20, False)
    low, high, cut = axes.limits(np.append(calm, 1e9))
    assert (low, cut) == (10, True)
    assert high < 50
    assert axes.limits(np.full(3, 7.0)) == (7, 7, False)


def test_numbers_are_short():
    shown = [axes.short(value) for value in (0, 0.25, 1500, 20_000, 1.5e6, 2e9, -0.001234567)]
    assert shown == ["0", "0.25", "1,500", "20k", "1.5M", "2G", "-0.001235"]
