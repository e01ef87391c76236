"use strict";
// The data of the page, unpacked when asked for. A run is its place in the plan.

const DATA = JSON.parse(document.getElementById("data").textContent);
const RUN_IDS = DATA.runs.run_id;
const PLACE = new Map(RUN_IDS.map((id, place) => [id, place]));

// What the plan says of a run: of a column that varies, or of one that all runs share.
function binding(run, column) {
  const coded = DATA.runs.columns[column];
  return coded ? coded.values[coded.codes[run]] : DATA.runs.constant[column];
}

function bindings(run) {
  const names = [...Object.keys(DATA.runs.columns), ...Object.keys(DATA.runs.constant)];
  return names.map((name) => [name, binding(run, name)]);
}

function floats(text) {
  const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  return new Float32Array(bytes.buffer); // The platforms that run browsers are little-endian, as the text is.
}

// The values of a score [runs]: NaN where there is none, infinity where it failed. Null where no run has it.
const unpacked = new Map();
function scoreOf(representation, score) {
  const place = DATA.scores.representations[representation]?.[score];
  if (place === undefined) return null;
  if (!unpacked.has(place)) unpacked.set(place, floats(DATA.scores.columns[place]));
  return unpacked.get(place);
}

function label(kind, key) {
  return DATA.labels[kind][key] ?? String(key).replaceAll("_", " ");
}

function short(value) {
  return value === null || !Number.isFinite(value) ? "–" : String(Number(value.toPrecision(4)));
}

function describe(run) {
  const swept = binding(run, "strength_name"); // Of a method that has no strength it is empty.
  const strength = swept ? [`${label("strength", swept)} = ${binding(run, "strength")}`] : [];
  return [label("method", binding(run, "method")), ...strength, `seed ${binding(run, "seed")}`].join(", ");
}

function jobOf(run) {
  return DATA.jobs.jobs[DATA.jobs.of_run[run]] ?? null;
}

// Elements are made from text, never from markup: what a study holds may be anything.
function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined) made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}

function table(columns, rows) {
  const cell = (tag, content, number) => element(tag, { class: number ? "number" : null }, content);
  const isNumber = (text) => /^[–\d.,e+\-[\] ]*$/.test(text);
  const numbers = columns.map((_, at) => rows.length > 0 && rows.every((row) => isNumber(row[at])));
  const line = (tag, texts) => element("tr", {}, ...texts.map((text, at) => cell(tag, text, numbers[at])));
  return element("table", {},
    element("thead", {}, line("th", columns)), element("tbody", {}, ...rows.map((row) => line("td", row))));
}

// Fills a <select> with [value, text] pairs and keeps what was chosen, if it is still there.
function fill(select, pairs, wanted = select.value) {
  select.replaceChildren(...pairs.map(([value, text]) => element("option", { value }, text)));
  select.value = pairs.some(([value]) => value === wanted) ? wanted : pairs[0]?.[0] ?? "";
  select.disabled = pairs.length < 2;
}

// Scores in groups, as options of a <select>.
const KINDS = { metric: "Metrics", "without labels": "Without labels", downstream: "Downstream accuracy" };
function fillScores(select, representation, before = [], wanted = select.value) {
  const scores = Object.keys(DATA.scores.representations[representation] ?? {});
  const option = ([value, text]) => element("option", { value }, text);
  const groups = Object.entries(KINDS).map(([kind, title]) => {
    const own = scores.filter((score) => DATA.scores.kinds[score] === kind);
    return element("optgroup", { label: title }, ...own.map((score) => option([score, label("score", score)])));
  });
  select.replaceChildren(...before.map(option), ...groups.filter((group) => group.children.length));
  const values = [...select.options].map((one) => one.value);
  select.value = values.includes(wanted) ? wanted : values[0] ?? "";
}
