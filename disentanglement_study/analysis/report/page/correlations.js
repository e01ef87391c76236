"use strict";
// Rank correlations as heat maps.

const heat = { form: document.getElementById("correlations-controls"), matrix: null, table: null };

function startCorrelations() {
  const fields = heat.form.elements;
  fill(fields.title, DATA.correlations.map(({ title }) => [title, title]));
  fillPlaces();
  heat.form.addEventListener("submit", (event) => event.preventDefault());
  heat.form.addEventListener("change", (event) => {
    if (event.target.name === "title") fillPlaces();
    drawCorrelations();
  });
  clicked.set("correlations-plot", clickedCorrelation);
  drawnNear("correlations", drawCorrelations);
}

function clickedCorrelation({ points }) {
  const [row, column] = points[0].pointIndex;
  const { where, rows, columns } = heat.matrix;
  if (heat.table.between !== "score" || rows[row] === columns[column]) return;
  const { data_set: dataSet, representation } = where;
  explore({ dataSet, representation, score: rows[row], against: columns[column] });
}

function fillPlaces() {
  const { title, of, representation } = heat.form.elements;
  heat.table = DATA.correlations.find((one) => one.title === title.value);
  const distinct = (name) => [...new Set(heat.table.matrices.map(({ where }) => where[name]))];
  const kind = heat.table.of ?? "data_set";
  of.parentElement.firstElementChild.textContent = kind === "score" ? "Score" : "Data set";
  fill(of, distinct(kind).map((key) => [key, label(kind, key)]));
  fill(representation, distinct("representation").map((key) => [key, key]));
  for (const field of [of, representation]) field.parentElement.hidden = !field.options.length;
}

// "0.71 [0.65, 0.77]" of the two scores of the explorer, if a matrix has them.
function correlationOf({ dataSet, representation, score, against }) {
  for (const { between, matrices } of DATA.correlations) {
    if (between !== "score") continue;
    for (const { where, rows, columns, cells } of matrices) {
      if (where.data_set !== dataSet || where.representation !== representation) continue;
      for (const [a, b] of [[score, against], [against, score]]) {
        const at = rows.indexOf(a) * columns.length + columns.indexOf(b);
        if (rows.includes(a) && columns.includes(b)) return withInterval(cells, at);
      }
    }
  }
  return null;
}

function withInterval({ rank_correlation: rho, low, high }, at) {
  if (rho[at] === null) return "–";
  const interval = low[at] === null ? "" : ` [${low[at].toFixed(2)}, ${high[at].toFixed(2)}]`;
  return rho[at].toFixed(2) + interval;
}

// The colour of a cell, as Plotly mixes it from the scale: [red, green, blue].
function shade(rho) {
  const [from, to] = [colour("middle"), colour(rho < 0 ? "low" : "high")].map(channels);
  return from.map((value, at) => value + Math.abs(rho) * (to[at] - value));
}

function drawCorrelations() {
  const { of, representation } = heat.form.elements;
  const { table: chosen } = heat;
  const isChosen = ({ where }) =>
    where[chosen.of] === of.value && where.representation === representation.value;
  heat.matrix = chosen.matrices.find(isChosen) ?? null;
  const summary = document.getElementById("correlations-summary");
  const shown = document.getElementById("correlations-plot");
  const asTable = document.querySelector("#correlations-table .scroll");
  shown.hidden = document.getElementById("correlations-table").hidden = !heat.matrix;
  if (!heat.matrix) {
    const why = chosen.why ? `Not available for this study: ${chosen.why}.` : "There is no table for this representation.";
    summary.textContent = why;
    return;
  }
  const { rows, columns, cells } = heat.matrix;
  const names = (keys) => keys.map((key) => label(chosen.between, key));
  const at = (row, column) => row * columns.length + column;
  const grid = (cell) => rows.map((_, row) => columns.map((_, column) => cell(at(row, column), row, column)));
  const unit = chosen.between === "data_set" ? "settings" : "models";
  const lines = grid((place, row, column) => {
    const lacking = `${cells.failed[place]} failed, ${cells.missing[place]} without one of the two`;
    const pair = `<b>${plain(names(rows)[row])}<br>${plain(names(columns)[column])}</b>`;
    return `${pair}<br>${withInterval(cells, place)}<br>n = ${cells.n[place]} ${unit}, ${lacking}`;
  });
  const isPair = (_, place) => rows[Math.floor(place / columns.length)] !== columns[place % columns.length];
  summary.textContent = `n = ${span(cells.n.filter(isPair))} ${unit} per cell.`;
  const z = grid((place) => cells.rank_correlation[place]);
  const fixed = { showgrid: false, fixedrange: true, ticks: "" };
  shown.style.minWidth = NARROW.matches ? `${columns.length * 46 + 150}px` : "";
  shown.style.maxWidth = `${Math.max(columns.length * 92 + 190, 420)}px`;
  plot("correlations-plot", [{
    type: "heatmap", z, x: columns, y: rows, zmin: -1, zmax: 1, xgap: 1, ygap: 1, showscale: false,
    colorscale: [[0, colour("low")], [0.5, colour("middle")], [1, colour("high")]],
    text: lines, hovertemplate: "%{text}<extra></extra>",
  }], {
    height: 90 + 34 * rows.length, margin: { l: 10, r: 10, t: 10, b: 10 },
    annotations: rows.flatMap((row, i) => columns.map((column, j) => ({
      x: column, y: row, showarrow: false,
      text: z[i][j] === null ? "–" : String(Math.round(100 * z[i][j])),
      font: { color: z[i][j] === null ? colour("text") : textOn(shade(z[i][j])), size: 12 },
    }))),
    xaxis: axis({
      ...fixed, tickvals: columns,
      ticktext: names(columns).map((name) => plain(name).replaceAll(" ", "<br>")),
      side: "top", tickangle: columns.length > 7 ? -60 : 0,
    }),
    yaxis: axis({ ...fixed, tickvals: rows, ticktext: names(rows).map(plain), autorange: "reversed" }),
  }, { displayModeBar: false });
  const line = (row) => [names(rows)[row], ...columns.map((_, column) => withInterval(cells, at(row, column)))];
  asTable.replaceChildren(table(["", ...names(columns)], rows.map((_, row) => line(row))));
}
