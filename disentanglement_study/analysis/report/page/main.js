"use strict";
startExplorer();
startRun();
startCorrelations();
startVariance();
performance.mark("controls answer");
