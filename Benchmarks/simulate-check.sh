#!/usr/bin/env bash
# Compares the forecast of `disttrain bench simulate` with steps measured under mpirun.
#
#   Benchmarks/simulate-check.sh                             # ranks of this machine
#   Benchmarks/simulate-check.sh --preset abl3 --batch 3
#   Benchmarks/simulate-check.sh --hostfile FILE --cores-per-node 1 -- --bind-to none
#
# It measures a step on one rank (the calibration), all-reduces on two ranks (the network), steps on
# --ranks, and prints predicted and measured side by side. What follows -- goes to mpirun. With
# --hostfile ranks go to the hosts in turn, and --cores-per-node says what one host really has.
# DISTTRAIN names a program to measure instead of building this one.
set -euo pipefail
repository="$(cd "$(dirname "$0")/.." && pwd)"
preset=abl1 batch=2 steps=4 ranks=2,4 hostfile= cores="$(nproc)" output=
while [ $# -gt 0 ]; do
  case "$1" in
  --preset) preset="$2" ;;
  --batch) batch="$2" ;;
  --steps) steps="$2" ;;
  --ranks) ranks="$2" ;;
  --hostfile) hostfile="$2" ;;
  --cores-per-node) cores="$2" ;;
  --output) output="$2" ;;
  --)
    shift
    break
    ;;
  *)
    echo "$0: $1 is not known; the head of this file says what is" >&2
    exit 64
    ;;
  esac
  shift 2
done

program="${DISTTRAIN:-}"
if [ -z "$program" ]; then
  swift build --package-path "$repository" -c release --product disttrain
  program="$(swift build --package-path "$repository" -c release --show-bin-path)/disttrain"
fi
if [ -z "$output" ]; then
  output="$(mktemp -d)"
  trap 'rm -rf "$output"' EXIT
fi
mkdir -p "$output"
unset OPENBLAS_CORETYPE OPENBLAS_L2_SIZE
if [ "$(id -u)" -eq 0 ]; then
  export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
fi

read -r load _ </proc/loadavg
if [ "${load%%.*}" -ge 1 ]; then
  echo "warning: the load of this machine is $load; wait until it is quiet" >&2
fi

launch=("$@")
scaling=()
if [ -n "$hostfile" ]; then
  launch=(--map-by node --oversubscribe "${launch[@]}")
  scaling=(--hostfile "$hostfile")
fi
for argument in "${launch[@]}"; do scaling+=(--mpirun-arg "$argument"); done

step=(--preset "$preset" --batch "$batch")
"$program" bench step "${step[@]}" --steps "$steps" --json "$output/calibration.json" >/dev/null
mpirun -np 2 ${hostfile:+--hostfile "$hostfile"} "${launch[@]}" \
  "$program" bench allreduce --max-bytes 16M --json "$output/network.json" | tail -n 2
"$program" bench scaling --ranks "$ranks" "${step[@]}" --steps "$steps" --output "$output" \
  "${scaling[@]}" 2>"$output/scaling.log" || {
  cat "$output/scaling.log" >&2
  exit 1
}
files=()
for count in ${ranks//,/ }; do files+=("$output/step-$count-ranks.json"); done
"$program" bench simulate --ranks "$ranks" --calibration "$output/calibration.json" \
  --network "$output/network.json" --cores-per-node "$cores" --output "$output" \
  --measured "${files[@]}" | sed -n '/^measured/,/^$/p'
