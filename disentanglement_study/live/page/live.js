"use strict";
// Asks for what is new, and swaps in what has changed.

const byId = (id) => document.getElementById(id);
const form = byId("scores-controls");
const name = document.title;
const TIMEOUT = 120000; // Milliseconds: to look at a large study on a slow file system takes long.
let asked = null; // The score that was chosen; else the first that the study has.
let when = null; // The time of what is shown.
let timer = 0;
let latest = 0; // Answers to older questions are not shown.

async function look() {
  clearTimeout(timer);
  const mine = ++latest;
  let again = 3;
  try {
    const query = asked === null ? "" : `?score=${encodeURIComponent(asked)}`;
    const answer = await fetch(`now${query}`, { signal: AbortSignal.timeout(TIMEOUT) });
    const seen = await answer.json();
    if (mine !== latest) return;
    again = seen.again;
    if (seen.error) trouble(`The study could not be read: ${seen.error}.`);
    else {
      show(seen);
      trouble(null);
    }
  } catch {
    if (mine !== latest) return;
    trouble("The program that serves this page does not answer. The page keeps trying. To start the program again: ",
      JSON.parse(document.body.dataset.again));
  }
  timer = setTimeout(look, 1000 * again);
}

// What is wrong, a command that helps, and how old the rest of the page is.
function trouble(text, command) {
  const place = byId("trouble");
  document.body.classList.toggle("old", text !== null);
  if (text === null) place.hidden = true;
  else if (place.hidden || place.dataset.text !== text) {
    const code = document.createElement("code");
    code.textContent = command ?? "";
    place.replaceChildren(text, code, when ? ` The page below shows the study as of ${when}.` : "");
    place.dataset.text = text;
    place.hidden = false;
    document.title = `? ${name}`;
  }
}

function show(seen) {
  when = seen.when;
  if (byId("state").textContent !== seen.state) byId("state").textContent = seen.state;
  byId("when").textContent = `As of ${when}.`;
  document.title = `${Math.floor(100 * seen.done)} % ${name}`;
  for (const [id, parts] of Object.entries(seen.sections)) {
    fill(byId(id), parts);
    const section = byId(`${id}-section`);
    if (section && id === "failed") section.hidden = !parts.length;
  }
  byId("scores-section").hidden = !seen.scores.length;
  choices(form.elements.score, seen.scores, seen.score);
}

// The parts of a section, [key, HTML] each. One that has not changed is left alone: what is selected or focused stays.
function fill(section, parts) {
  const there = new Map([...section.children].map((child) => [child.dataset.key, child]));
  const wanted = parts.map(([key, html]) => {
    const child = there.get(key) ?? document.createElement("div");
    child.dataset.key = key;
    if (child.seen !== html) {
      child.innerHTML = html;
      child.seen = html;
    }
    return child;
  });
  const same = wanted.length === section.children.length && wanted.every((child, at) => child === section.children[at]);
  if (!same) section.replaceChildren(...wanted);
}

function choices(select, scores, chosen) {
  const text = JSON.stringify(scores);
  if (select.dataset.text !== text) {
    select.replaceChildren(...scores.map(([key, label]) => new Option(label, key)));
    select.dataset.text = text;
  }
  if (chosen !== null && select.value !== chosen) select.value = chosen;
}

form.addEventListener("submit", (event) => event.preventDefault());
form.addEventListener("change", () => {
  asked = form.elements.score.value;
  look();
});
document.addEventListener("visibilitychange", () => {
  if (document.hidden) clearTimeout(timer);
  else look();
});
look();
