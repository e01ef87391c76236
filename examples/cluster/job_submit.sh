#!/usr/bin/env bash
# Submit a sweep to a Ray cluster that is there already, through its dashboard, from a machine that is no node of it.
#
# The cluster needs `ray[default]` (the dashboard) and this package on every node; the machine you submit from needs
# only `ray[default]`. DIR is a path on the cluster, which all its nodes see.
#
#   bash job_submit.sh http://HEAD:8265 SWEEP /shared/studies/DIR [more options of run]
#
# The driver then runs on the cluster: you may close your machine. To look, to stop and to go on:
#
#   ray job logs ID --address http://HEAD:8265 --follow
#   ray job stop ID --address http://HEAD:8265          the driver ends within seconds; its checkpoints stay
#   bash job_submit.sh ...                              the same again goes on
set -euo pipefail
if [ $# -lt 3 ]; then
  sed -n '2,/^set /p' "$0" | sed '/^set /d; s/^# \{0,1\}//'
  exit 2
fi
DASHBOARD=$1 SWEEP=$2 DIR=$3
shift 3

# A cluster with a token asks the client for it too: RAY_AUTH_MODE=token and RAY_AUTH_TOKEN or RAY_AUTH_TOKEN_PATH are
# read from the environment. SWEEP is a name in sweeps/ or a path on the cluster. "auto" is the cluster that the job is in.
ray job submit --address "$DASHBOARD" --no-wait --entrypoint-num-cpus 0 -- \
  disentanglement-study run "$SWEEP" "$DIR" --address auto "$@"
