"use strict";
startExplorer();
startRun();
startCorrelations();
startVariance();
// Milliseconds from the beginning of loading to the page being of use.
requestAnimationFrame(() => { document.documentElement.dataset.ready = String(Math.round(performance.now())); });
