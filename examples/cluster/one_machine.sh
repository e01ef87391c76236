#!/usr/bin/env bash
# One machine, with or without GPUs: Ray is started and stopped by the command itself. Nothing else is needed.
#
#   bash examples/cluster/one_machine.sh [SWEEP [DIR]]
set -euo pipefail
SWEEP=${1:-quick}
DIR=${2:-studies/quick}

# What a run would meet here: devices, versions, room on the disk. Ends with code 3 if something would stop it.
disentanglement-study doctor "$DIR" --sweep "$SWEEP"

# Ctrl-C stops it within seconds. The same command goes on where it was.
disentanglement-study run "$SWEEP" "$DIR"

disentanglement-study status "$DIR"
