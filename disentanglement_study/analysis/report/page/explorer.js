"use strict";
// Scores of runs against what was varied, or against another score.

const WEBGL_FROM = 4000; // Points. Fewer are drawn as SVG, which every browser can.
const PAGE = 10;

const explorer = { form: document.getElementById("explorer-controls"), runs: [], page: 0 };

function explorerChosen() {
  const { data_set, score, against, representation, method } = explorer.form.elements;
  return {
    dataSet: data_set.value, score: score.value, against: against.value,
    representation: representation.value, method: method.value,
  };
}

function startExplorer() {
  const fields = explorer.form.elements;
  const representations = Object.keys(DATA.scores.representations);
  fill(fields.data_set, DATA.runs.order.data_set.map((key) => [key, label("data_set", key)]));
  fill(fields.representation, representations.map((key) => [key, key]));
  fillMethods();
  fillExplorerScores();
  explorer.form.addEventListener("submit", (event) => event.preventDefault());
  explorer.form.addEventListener("change", (event) => {
    if (event.target.name === "data_set") fillMethods();
    if (event.target.name === "representation") fillExplorerScores();
    explorer.page = 0;
    drawExplorer();
  });
  for (const [name, step] of [["previous", -1], ["next", 1]]) {
    document.querySelector(`#explorer-list button[name=${name}]`).addEventListener("click", () => {
      explorer.page += step;
      listRuns();
    });
  }
  clicked.set("explorer-plot", ({ points }) => {
    const run = points[0].customdata;
    if (Number.isInteger(run)) location.hash = `run=${RUN_IDS[run]}`;
  });
  drawn(drawExplorer);
}

function fillMethods() {
  const { data_set, method } = explorer.form.elements;
  const own = new Set();
  RUN_IDS.forEach((_, run) => binding(run, "data_set") === data_set.value && own.add(binding(run, "method")));
  const there = DATA.runs.order.method.filter((key) => own.has(key));
  fill(method, [["", "all"], ...there.map((key) => [key, label("method", key)])]);
}

function fillExplorerScores() {
  const { score, against, representation } = explorer.form.elements;
  fillScores(score, representation.value);
  fillScores(against, representation.value, [["strength", "strength"], ["method", "method"]]);
}

// Shows the models behind a rank correlation.
function explore(choice) {
  const fields = explorer.form.elements;
  fields.data_set.value = choice.dataSet;
  fields.representation.value = choice.representation;
  fillMethods();
  fields.method.value = "";
  fillExplorerScores();
  fields.score.value = choice.score;
  fields.against.value = choice.against;
  explorer.page = 0;
  drawExplorer();
  document.getElementById("explorer").scrollIntoView();
}

function drawExplorer() {
  const chosen = explorerChosen();
  const values = scoreOf(chosen.representation, chosen.score);
  const summary = document.getElementById("explorer-summary");
  for (const part of ["controls", "plot", "list"]) document.getElementById(`explorer-${part}`).hidden = !values;
  if (!values) {
    summary.textContent = "No run has a score yet.";
    return;
  }
  const isChosen = (run) => binding(run, "data_set") === chosen.dataSet
    && (!chosen.method || binding(run, "method") === chosen.method);
  const runs = RUN_IDS.map((_, run) => run).filter(isChosen);
  const other = scoreOf(chosen.representation, chosen.against);
  const there = runs.filter((run) => Number.isFinite(values[run]) && (!other || Number.isFinite(other[run])));
  const failed = runs.filter((run) => values[run] === Infinity || other?.[run] === Infinity).length;
  explorer.runs = there.toSorted((a, b) => values[b] - values[a]);
  summary.textContent = summaryOf(chosen, there, runs.length, failed);
  const groups = Map.groupBy(there, (run) => binding(run, "method"));
  const order = DATA.runs.order.method.filter((key) => groups.has(key));
  const { traces, xaxis, annotations } = other ? scatter(order, groups, other, chosen) : strips(order, groups, chosen);
  const gl = there.length >= WEBGL_FROM && hasWebGL() ? "scattergl" : "scatter";
  const points = traces.map(({ runs: own, x, ...rest }) => ({
    type: gl, mode: "markers", x, y: own.map((run) => values[run]), customdata: own,
    text: own.map((run) => hover(run, chosen, values, other)), hovertemplate: "%{text}<extra></extra>", ...rest,
  }));
  const medians = other ? [] : medianTraces(traces, values, chosen);
  plot("explorer-plot", [...points, ...medians], {
    height: NARROW.matches ? 420 : 480, xaxis, annotations,
    yaxis: axis({ title: { text: label("score", chosen.score) } }),
    margin: { l: 50, r: 10, t: 10, b: 80 },
    showlegend: Boolean(other) && order.length > 1,
    legend: { orientation: "h", y: 1.02, yanchor: "bottom", x: 0 },
  });
  listRuns();
}

function summaryOf(chosen, there, planned, failed) {
  const parts = [`n = ${there.length.toLocaleString("en")} of ${planned.toLocaleString("en")} runs`];
  if (failed) parts.push(`${failed} failed`);
  const missing = planned - there.length - failed;
  if (missing) parts.push(`${missing} without the score`);
  const rho = chosen.method ? null : correlationOf(chosen);
  if (rho) parts.push(`rank correlation ${rho}`);
  return `${parts.join(", ")}.`;
}

// Points in columns: a column for each method, or for each of its strengths. Seeds are spread within it.
function strips(order, groups, chosen) {
  const ticks = [], texts = [], annotations = [], traces = [];
  let start = 0;
  for (const method of order) {
    const runs = groups.get(method);
    const strengths = [...new Set(runs.map((run) => binding(run, "strength")))].sort((a, b) => a - b);
    const wide = chosen.against === "strength" ? strengths.length : 1;
    const from = start;
    const at = (run) => from + (wide > 1 ? strengths.indexOf(binding(run, "strength")) : 0);
    traces.push({
      runs, method, at, x: runs.map((run) => at(run) + spread(run)), name: label("method", method),
      marker: { ...mark(method), size: 7, opacity: opacityOf(groups) },
    });
    const name = plain(label("method", method));
    const swept = plain(label("strength", binding(runs[0], "strength_name"))).replace(/_(\w+)$/, "<sub>$1</sub>");
    if (chosen.against === "strength") {
      strengths.forEach((strength, index) => {
        ticks.push(start + index);
        texts.push(swept ? String(Number(Number(strength).toPrecision(3))) : "");
      });
      const slanted = NARROW.matches && order.length > 2;
      annotations.push({
        x: start + (wide - 1) / 2, y: 0, xref: "x", yref: "paper", yanchor: "top", showarrow: false,
        ...(slanted ? { text: name, textangle: -40, xanchor: "right", yshift: -4 }
          : { text: [name, swept].filter(Boolean).join(chosen.method ? ": " : "<br>"), yshift: -26 }),
      });
    } else {
      ticks.push(start);
      texts.push(name);
    }
    start += wide + (chosen.against === "strength" ? 0.6 : 0);
  }
  const crowded = chosen.against === "strength" && ticks.length > (NARROW.matches ? 8 : 48);
  const xaxis = axis({
    tickvals: crowded ? [] : ticks, ticktext: texts, showgrid: false, zeroline: false,
    range: [-0.7, start - 0.3 - (chosen.against === "strength" ? 0.6 : 0)],
  });
  return { traces, xaxis, annotations };
}

// Many points are paler, so that the medians stay in sight.
function opacityOf(groups) {
  const count = [...groups.values()].reduce((sum, own) => sum + own.length, 0);
  return Math.min(Math.max(600 / count, DARK.matches ? 0.6 : 0.4), 0.8);
}

// Where a run is within its column: by its seed, and so the same in every plot.
function spread(run) {
  return ((binding(run, "seed") * 0.618034) % 1 - 0.5) * 0.62;
}

function medianTraces(traces, values, chosen) {
  return traces.map(({ runs, at, method, name }) => {
    const columns = [...Map.groupBy(runs, at)].sort(([a], [b]) => a - b);
    const line = columns.map(([, own]) => median(own.map((run) => values[run])));
    const { color, symbol } = mark(method), edge = colour("text");
    return {
      type: "scatter", x: columns.map(([x]) => x), y: line, name: `${name}, median`,
      hovertemplate: "median %{y:.4g}<extra></extra>", line: { color: edge, width: 1.5 },
      ...(columns.length > 1
        ? { mode: "lines+markers", marker: { symbol, size: 10, color, line: { width: 1.5, color: edge } } }
        : { mode: "markers", marker: { symbol: "line-ew", size: 34, color, line: { width: 3, color: edge } } }),
    };
  });
}

function scatter(order, groups, other, chosen) {
  const traces = order.map((method) => {
    const runs = groups.get(method);
    const marker = { ...mark(method), size: 7, opacity: 0.6 };
    return { runs, x: runs.map((run) => other[run]), name: label("method", method), marker };
  });
  return { traces, xaxis: axis({ title: { text: label("score", chosen.against) } }), annotations: [] };
}

function hover(run, chosen, values, other) {
  const lines = [`<b>${plain(describe(run))}</b>`, `${label("score", chosen.score)}: ${short(values[run])}`];
  if (other) lines.push(`${label("score", chosen.against)}: ${short(other[run])}`);
  return [...lines, `run ${RUN_IDS[run]}`].join("<br>");
}

function listRuns() {
  const { score, representation } = explorerChosen();
  const values = scoreOf(representation, score);
  const pages = Math.max(Math.ceil(explorer.runs.length / PAGE), 1);
  explorer.page = Math.min(Math.max(explorer.page, 0), pages - 1);
  const shown = explorer.runs.slice(explorer.page * PAGE, (explorer.page + 1) * PAGE);
  const list = document.querySelector("#explorer-list table");
  const current = (run) => (location.hash === `#run=${RUN_IDS[run]}` ? "true" : null);
  const link = (run) => element("a", { href: `#run=${RUN_IDS[run]}` }, RUN_IDS[run]);
  const rows = shown.map((run) => element("tr", { "aria-current": current(run) },
    element("td", {}, link(run)), element("td", {}, short(values[run])), element("td", {}, describe(run))));
  const columns = ["Run", values ? label("score", score) : "Score", "Method, strength, seed"];
  list.tHead.replaceChildren(element("tr", {}, ...columns.map((name) => element("th", { scope: "col" }, name))));
  list.tBodies[0].replaceChildren(...rows);
  document.querySelector("#explorer-list button[name=previous]").disabled = explorer.page === 0;
  document.querySelector("#explorer-list button[name=next]").disabled = explorer.page === pages - 1;
  const where = `${explorer.page + 1} of ${pages.toLocaleString("en")}`;
  document.querySelector("#explorer-list [role=status]").textContent = where;
}

let webgl;
function hasWebGL() {
  webgl ??= Boolean(document.createElement("canvas").getContext("webgl"));
  return webgl;
}
