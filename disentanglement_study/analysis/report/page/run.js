"use strict";
// One run: its settings, scores, curves and pictures.

const loaded = new Map(); // Of each job, its curves, or null where there is no file.
const waiting = new Map();

// Called by runs/<job_id>.js.
function curves(job, content) {
  loaded.set(job, content);
}

function loadCurves(job) {
  if (loaded.has(job)) return Promise.resolve(loaded.get(job));
  if (!waiting.has(job)) {
    waiting.set(job, new Promise((resolve) => {
      const script = element("script", { src: `runs/${encodeURIComponent(job)}.js` });
      const end = () => resolve(loaded.get(job) ?? null);
      script.addEventListener("load", end);
      script.addEventListener("error", end);
      document.head.append(script);
    }));
  }
  return waiting.get(job);
}

function startRun() {
  const form = document.getElementById("run-controls");
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const wanted = form.elements.run.value.trim();
    const found = wanted ? RUN_IDS.filter((id) => id.startsWith(wanted)) : [];
    if (found.length === 1) location.hash = `run=${found[0]}`;
    else say(found.length ? `${found.length} runs begin with ${wanted}.` : `No run begins with “${wanted}”.`);
  });
  window.addEventListener("hashchange", fromAddress);
  drawn(() => showCurves(shownRun));
  if (!fromAddress()) say("Select a point above, or a run in the list.");
}

function say(text) {
  document.getElementById("run-body").replaceChildren(element("p", { class: "note" }, text));
  shownRun = null;
}

let shownRun = null;
function fromAddress() {
  if (!location.hash.startsWith("#run=")) return false;
  const id = location.hash.slice(5); // Hexadecimal: it needs no decoding, and what cannot be decoded is no id.
  document.getElementById("run-controls").elements.run.value = id;
  if (PLACE.has(id)) showRun(PLACE.get(id));
  else say(`This study has no run ${id}.`);
  listRuns();
  const section = document.getElementById("run");
  section.scrollIntoView();
  section.focus({ preventScroll: true });
  return true;
}

function showRun(run) {
  shownRun = run;
  const job = jobOf(run);
  const id = RUN_IDS[run];
  const state = job ? job.status : "missing";
  const body = document.getElementById("run-body");
  const own = ["data_set", "method", "hyper", "seed", "protocol"].filter((name) => binding(run, name) !== undefined);
  const facts = [...own.map((name) => [name.replace("_", " "), String(binding(run, name))]), ["status", state]];
  if (job) {
    const about = [`${job.runs} runs`, job.seconds ? `${job.seconds} s in all` : "", job.device];
    facts.push(["job", `${job.job_id}: ${about.filter(Boolean).join(", ")}`]);
  }
  body.replaceChildren(
    element("h3", {}, `${id}: ${describe(run)}, ${label("data_set", binding(run, "data_set"))}`),
    element("div", { class: "columns" },
      element("div", {},
        element("dl", {}, ...facts.flatMap(([name, value]) => [element("dt", {}, name), element("dd", {}, value)])),
        configuration(run), element("h3", {}, "Loss curves"), element("div", { id: "run-curves" })),
      element("div", {}, element("h3", {}, "Scores"), scoresOf(run))),
    element("h3", {}, "Traversals"), picturesOf(id));
  if (job?.error) body.append(element("h3", {}, "Error"), element("pre", {}, job.error));
  showCurves(run);
}

function configuration(run) {
  const shown = (value) => (typeof value === "string" ? value : JSON.stringify(value ?? null));
  const bound = bindings(run).map(([name, value]) => `${name} = ${shown(value)}`);
  const again = `disentanglement-study run study.gin FOLDER --where "run_id == '${RUN_IDS[run]}'"`;
  return element("details", {}, element("summary", {}, "Configuration"),
    element("p", {}, "This run: "), element("pre", {}, bound.join("\n")),
    element("p", {}, "To train it again, save the settings below as study.gin and run:"), element("pre", {}, again),
    element("pre", {}, DATA.settings));
}

function scoresOf(run) {
  const representations = Object.keys(DATA.scores.representations);
  const columns = representations.map((key) => DATA.scores.representations[key]);
  const scores = [...new Set(columns.flatMap((scoresOfIt) => Object.keys(scoresOfIt)))];
  const shown = (value = NaN) => (value === Infinity ? "failed" : short(value));
  const rows = scores.map((score) =>
    [label("score", score), ...representations.map((key) => shown(scoreOf(key, score)?.[run]))]);
  const some = rows.filter((row) => row.slice(1).some((text) => text !== "–"));
  if (!some.length) return element("p", { class: "note" }, "This run has no scores.");
  const wide = table(["Score", ...representations], some);
  return element("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Scores of the run" }, wide);
}

function picturesOf(id) {
  const names = DATA.pictures[id] ?? [];
  if (!names.length) {
    return element("p", { class: "note" }, "No pictures yet. Run ",
      element("code", {}, `disentanglement-study traverse . ${id}`), " in the study's folder, then write the report again.");
  }
  const moving = names.filter((name) => name.endsWith(".gif"));
  const summary = element("summary", {}, `Animations (${moving.length})`);
  // Folded: what moves all the time keeps readers from reading.
  const animations = element("details", {}, summary, pictures(id, moving));
  return element("div", {}, pictures(id, stills(id)), ...(moving.length ? [animations] : []));
}

// The names of a run's pictures that do not move: traversals, how latents respond, others.
function stills(id) {
  const rank = (name) => (name.startsWith("traversals") ? 0 : name === "responses.png" ? 1 : 2);
  return (DATA.pictures[id] ?? []).filter((name) => !name.endsWith(".gif")).sort((a, b) => rank(a) - rank(b));
}

function pictures(id, names) {
  const figure = (name) => {
    const source = `traversals/${encodeURIComponent(id)}/${encodeURIComponent(name)}`;
    const image = element("img", { src: source, alt: `${name} of run ${id}`, loading: "lazy" });
    return element("figure", {}, element("a", { href: source }, image), element("figcaption", {}, name));
  };
  return element("div", { class: "pictures" }, ...names.map(figure));
}

async function showCurves(run) {
  if (run === null) return;
  const job = jobOf(run);
  const content = job?.curves ? await loadCurves(job.job_id) : null;
  const place = document.getElementById("run-curves");
  if (run !== shownRun || !place) return;
  if (!content?.runs[RUN_IDS[run]]) {
    const absent = `The file runs/${job?.job_id}.js is missing from the page's folder.`;
    const why = !job ? "The run is not done." : content || !job.curves ? "The run has no curves." : absent;
    place.replaceChildren(element("p", { class: "note" }, why));
    return;
  }
  const values = floats(content.runs[RUN_IDS[run]]);
  const steps = content.steps.length;
  const terms = content.terms
    .map((term, at) => ({ term, y: Array.from(values.subarray(at * steps, (at + 1) * steps)) }))
    .filter(({ y }) => y.some(Number.isFinite));
  const traces = terms.map(({ term, y }, at) => ({
    type: "scatter", mode: "lines+markers", x: content.steps, y, xaxis: "x", yaxis: at ? `y${at + 1}` : "y",
    line: { color: colour("link"), width: 1.5 }, marker: { size: 4 },
    hovertemplate: `${plain(term)} %{y:.5g}<br>step %{x:,}<extra></extra>`,
  }));
  const layout = {
    height: 60 + 110 * terms.length, margin: { l: 60, r: 10, t: 24, b: 40 }, annotations: [],
    xaxis: axis({ title: { text: "step" }, anchor: terms.length > 1 ? `y${terms.length}` : "y" }),
  };
  terms.forEach(({ term }, at) => {
    const top = 1 - at / terms.length;
    layout[at ? `yaxis${at + 1}` : "yaxis"] = axis({ domain: [top - 0.76 / terms.length, top], nticks: 4 });
    layout.annotations.push({
      text: plain(label("score", term)), x: 0, y: top, xref: "paper", yref: "paper", xanchor: "left",
      yanchor: "bottom", showarrow: false, font: { color: colour("quiet") },
    });
  });
  plot("run-curves", traces, layout);
}
