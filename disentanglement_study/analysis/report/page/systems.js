"use strict";
// The systems whose pictures are drawn, to be looked at one after the other.

function startSystems() {
  const form = document.getElementById("systems-controls");
  const runs = RUN_IDS.map((_, run) => run).filter((run) => stills(RUN_IDS[run]).length);
  if (!runs.length) {
    form.hidden = true;
    document.getElementById("systems-body").replaceChildren(element("p", { class: "note" }, "No pictures yet. Run ",
      element("code", {}, "disentanglement-study compare DIR"), ", then write the report again."));
    return;
  }
  const at = (run, column) => DATA.runs.order[column].indexOf(binding(run, column));
  const several = new Set(runs.map((run) => binding(run, "data_set"))).size > 1;
  const named = (run) => (several ? `${label("data_set", binding(run, "data_set"))}: ` : "") + describe(run);
  runs.sort((a, b) => at(a, "data_set") - at(b, "data_set") || at(a, "method") - at(b, "method"));
  fill(form.elements.system, runs.map((run) => [RUN_IDS[run], named(run)]));
  form.elements.system.addEventListener("change", showSystem);
  showSystem();
}

function showSystem() {
  const id = document.getElementById("systems-controls").elements.system.value;
  const head = element("h3", {}, element("a", { href: `#run=${id}` }, id), `: ${describe(PLACE.get(id))}`);
  document.getElementById("systems-body").replaceChildren(head, pictures(id, stills(id)));
}
