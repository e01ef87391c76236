"use strict";
// What all plots share: the colours of the page, light or dark, and how they are drawn again when these change.

const DARK = matchMedia("(prefers-color-scheme: dark)");
const NARROW = matchMedia("(max-width: 44rem)");
const drawings = [];
const clicked = new Map(); // By plot, what a click on a point of it does.

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

function axis(settings = {}) {
  const lines = { gridcolor: colour("grid"), zerolinecolor: colour("line"), linecolor: colour("line") };
  return { automargin: true, ...lines, ...settings };
}

// Nothing before plotly.js, of which a browser makes much, has been read: until then the page is text and controls.
function plot(id, traces, layout, settings = {}) {
  if (!window.Plotly) return;
  const text = colour("text");
  const base = {
    paper_bgcolor: colour("page"), plot_bgcolor: colour("page"), hovermode: "closest", showlegend: false,
    font: { family: getComputedStyle(document.body).fontFamily, size: NARROW.matches ? 12 : 13, color: text },
    hoverlabel: { bgcolor: colour("panel"), bordercolor: colour("line"), font: { color: text }, align: "left" },
    margin: { l: 50, r: 10, t: 10, b: 40 },
    modebar: { bgcolor: "rgba(0,0,0,0)", color: colour("quiet"), activecolor: colour("text") },
  };
  // Named one by one, because plotly.js also has buttons that send the plot to a server.
  const options = {
    responsive: true, displaylogo: false, plotlyServerURL: "", displayModeBar: NARROW.matches ? false : "hover",
    modeBarButtons: [["toImage", "zoom2d", "pan2d", "resetScale2d"]],
  };
  const place = document.getElementById(id), isNew = !place.on; // Plotly gives it `on`.
  Plotly.react(place, traces, { ...base, ...layout }, { ...options, ...settings });
  if (isNew && clicked.has(id)) place.on("plotly_click", clicked.get(id));
}

// Draws now, and again when Plotly is there, or the colours or the width of the screen change.
function drawn(draw) {
  drawings.push(draw);
  draw();
}

// The same, but not before the element is near the window: what is far down the page does not delay what is seen first.
function drawnNear(id, draw) {
  const isNear = (entries) => entries.some((one) => one.isIntersecting) && now();
  const observer = new IntersectionObserver(isNear, { rootMargin: "400px" });
  const now = () => {
    observer.disconnect();
    window.removeEventListener("beforeprint", now);
    drawn(draw);
  };
  observer.observe(document.getElementById(id));
  window.addEventListener("beforeprint", now);
}

function redraw() {
  drawings.forEach((draw) => draw());
}

for (const query of [DARK, NARROW]) query.addEventListener("change", redraw);

// A mark that can be told apart on both backgrounds.
function mark(method) {
  const { colour: own, symbol } = DATA.labels.marks[method];
  return { color: own === "#000000" ? colour("text") : own, symbol };
}

function channels(hex) {
  return [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
}

// Dark or light, whichever has more contrast to the background, by its relative luminance (WCAG 2).
function textOn(background) {
  const linear = background.map((value) => value / 255)
    .map((value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4));
  return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2] > 0.18 ? "#14171a" : "#ffffff";
}

function median(values) {
  const sorted = Float64Array.from(values).sort();
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

// "36", or "34–36" where they differ.
function span(numbers) {
  const [low, high] = numbers.length ? [Math.min(...numbers), Math.max(...numbers)] : [0, 0];
  return low === high ? String(low) : `${low}–${high}`;
}

// What a text of a study may hold, Plotly would read as markup in a hover.
function plain(text) {
  return String(text).replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
