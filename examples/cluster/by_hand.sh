#!/usr/bin/env bash
# Several machines that you can log in to, and nothing that manages them.
#
# Each machine has this package installed, of the same version, and sees two folders under the same path: that of the
# study and that of the data sets. Then:
#
#   bash by_hand.sh token            once, anywhere: makes ~/.ray/disentanglement_study_token; copy it to the other
#                                    machines if they do not share your home. One that is there stays as it is
#   bash by_hand.sh head             on the first machine: prints the address, such as 10.0.0.1:6379
#   bash by_hand.sh node ADDRESS     on each of the others
#   bash by_hand.sh run ADDRESS SWEEP DIR DATA [more options of run]   on the first machine (in tmux or screen: it
#                                    stays when you log out); DATA is the folder of the data sets. It looks at all nodes
#                                    first (doctor)
#   bash by_hand.sh stop             on each machine: ends all Ray processes that you have there, those of other clusters
#                                    and of a `run` without --address too
#
# PORT (6379) is where `head` listens: choose another if you have a Ray there already. RESOURCES are options of
# `ray start`: it counts cores and GPUs by itself. For fewer, or for a GPU that it does not see:
# RESOURCES="--num-cpus 8 --num-gpus 1" bash by_hand.sh node ADDRESS
#
# Machines may join at any time: they are used from then on. One that dies loses nothing but the time since its last
# checkpoint.
set -euo pipefail

# Who knows the token may run programs as you on all nodes; who does not is refused.
export RAY_AUTH_MODE=token
export RAY_AUTH_TOKEN_PATH=${RAY_AUTH_TOKEN_PATH:-$HOME/.ray/disentanglement_study_token} # Ray's own is auth_token
export RAY_USAGE_STATS_ENABLED=0
PORT=${PORT:-6379}
RESOURCES=${RESOURCES:-}

usage() {
  sed -n '2,/^set /p' "$0" | sed '/^set /d; s/^# \{0,1\}//'
}

needs() { # what the command takes, so many words at least
  if [ "$2" -lt "$3" ]; then
    echo "by_hand.sh: use it as: bash by_hand.sh $1" >&2
    exit 2
  fi
}

case "${1:-help}" in
  token)
    if [ -e "$RAY_AUTH_TOKEN_PATH" ]; then
      echo "$RAY_AUTH_TOKEN_PATH is there and stays as it is: a cluster may use it. Remove it for a new one." >&2
      exit 2
    fi
    mkdir -p "$(dirname "$RAY_AUTH_TOKEN_PATH")"
    (umask 077 && od -An -N32 -tx1 /dev/urandom | tr -d ' \n' > "$RAY_AUTH_TOKEN_PATH")
    echo "$RAY_AUTH_TOKEN_PATH"
    ;;
  head)
    # shellcheck disable=SC2086
    ray start --head --port "$PORT" --include-dashboard=false $RESOURCES
    ;;
  node)
    needs "node ADDRESS" $# 2
    # shellcheck disable=SC2086
    ray start --address "$2" $RESOURCES
    ;;
  run)
    needs "run ADDRESS SWEEP DIR DATA" $# 5
    address=$2 sweep=$3 dir=$4 data=$5
    shift 5
    # `doctor` looks at the sweep that will run: with the same settings.
    gin=() before=
    for option in "$@"; do
      [ "$before" = --gin ] && gin+=(--gin "$option")
      case "$option" in --gin=*) gin+=("$option") ;; esac
      before=$option
    done
    # Stops here (code 3) if a node does not see the folder, or lacks what a job needs, or if data are damaged.
    disentanglement-study doctor "$dir" --address "$address" --data-dir "$data" --sweep "$sweep" ${gin[@]+"${gin[@]}"}
    disentanglement-study run "$sweep" "$dir" --address "$address" --data-dir "$data" "$@"
    ;;
  stop)
    echo "ending all Ray processes of $(id -un) on this machine, those of other clusters and of other runs too"
    ray stop
    ;;
  help | -h | --help)
    usage
    ;;
  *)
    usage >&2
    exit 2
    ;;
esac
