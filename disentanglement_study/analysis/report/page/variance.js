"use strict";
// Shares of variance, a row a score.

const BY = { method: "method", method_and_strength: "method and strength" };
const shares = { form: document.getElementById("variance-controls") };

function startVariance() {
  const summary = document.getElementById("variance-summary");
  if (DATA.variance.why) {
    summary.textContent = `Not available for this study: ${DATA.variance.why}.`;
    for (const part of ["controls", "plot", "table"]) document.getElementById(`variance-${part}`).hidden = true;
    return;
  }
  const fields = shares.form.elements;
  fill(fields.data_set, [...new Set(DATA.variance.data_set)].map((key) => [key, label("data_set", key)]));
  fill(fields.representation, [...new Set(DATA.variance.representation)].map((key) => [key, key]));
  shares.form.addEventListener("submit", (event) => event.preventDefault());
  shares.form.addEventListener("change", drawVariance);
  drawnNear("variance", drawVariance);
}

function drawVariance() {
  const all = DATA.variance;
  const { data_set, representation } = shares.form.elements;
  const rows = all.score.map((_, at) => at)
    .filter((at) => all.data_set[at] === data_set.value && all.representation[at] === representation.value);
  const scores = [...new Set(rows.map((at) => all.score[at]))];
  const place = new Map(scores.map((score, at) => [score, at]));
  const interval = (at) => (all.low[at] === null ? "" : ` [${all.low[at].toFixed(2)}, ${all.high[at].toFixed(2)}]`);
  const counts = span(rows.map((at) => all.n[at]));
  document.getElementById("variance-summary").textContent = `n = ${counts} models per score.`;
  const traces = Object.entries(BY).map(([by, name], nth) => {
    const own = rows.filter((at) => all.by[at] === by && all.adjusted[at] !== null);
    const details = (at) => [
      `<b>${plain(label("score", all.score[at]))}</b>`, `${name}: ${all.adjusted[at].toFixed(2)}${interval(at)}`,
      `plain R² ${short(all.r_squared[at])}, ${all.groups[at]} groups`,
      `n = ${all.n[at]}, ${all.failed[at]} failed, ${all.missing[at]} without the score`,
    ];
    return {
      type: "scatter", mode: "markers", name, x: own.map((at) => all.adjusted[at]),
      y: own.map((at) => place.get(all.score[at]) + (nth ? 0.14 : -0.14)),
      error_x: {
        type: "data", symmetric: false, thickness: 1.5, width: 0,
        array: own.map((at) => (all.high[at] ?? all.adjusted[at]) - all.adjusted[at]),
        arrayminus: own.map((at) => all.adjusted[at] - (all.low[at] ?? all.adjusted[at])),
      },
      marker: { size: 9, color: nth ? "#D55E00" : colour("link"), symbol: nth ? "diamond" : "circle" },
      text: own.map((at) => details(at).join("<br>")), hovertemplate: "%{text}<extra></extra>",
    };
  });
  plot("variance-plot", traces, {
    height: 90 + 40 * scores.length, showlegend: true, legend: { orientation: "h", y: 1, yanchor: "bottom", x: 0 },
    xaxis: axis({ title: { text: "share of variance" }, rangemode: "tozero", zeroline: true }),
    yaxis: axis({
      tickvals: scores.map((_, at) => at), ticktext: scores.map((score) => plain(label("score", score))),
      range: [scores.length - 0.5, -0.5], zeroline: false,
    }),
    margin: { l: 10, r: 10, t: 30, b: 45 },
  });
  const cell = (at) => (all.adjusted[at] === null ? "–" : `${all.adjusted[at].toFixed(2)}${interval(at)}`);
  const found = (score, by) => rows.find((at) => all.score[at] === score && all.by[at] === by);
  const line = (score) => [
    label("score", score), ...Object.keys(BY).map((by) => cell(found(score, by))),
    String(all.n[found(score, "method")]),
  ];
  const whole = table(["Score", ...Object.values(BY), "n"], scores.map(line));
  document.querySelector("#variance-table .scroll").replaceChildren(whole);
}
