"use strict";
startExplorer();
startRun();
startSystems();
startCorrelations();
startVariance();
performance.mark("controls answer");
