#!/usr/bin/env bash
# Measures the training step of each preset and every kernel, and keeps the figures in
# Benchmarks/results/<machine>-<commit>-<what>.json.
#
#   Benchmarks/record.sh                     # the published recipe's batch: 6 x 2 s
#   Benchmarks/record.sh --batch 3           # flags go to every `disttrain bench step`
#   RANKS=2 Benchmarks/record.sh --batch 3   # on two ranks
#
# PRESETS names other presets or files, RESULTS another folder, and DISTTRAIN a program to measure
# instead of building this one.
set -euo pipefail
repository="$(cd "$(dirname "$0")/.." && pwd)"
results="${RESULTS:-$repository/Benchmarks/results}"
ranks="${RANKS:-1}"

# Lower case letters and digits, with single dashes between.
slug() { printf '%s' "$*" | tr '[:upper:]' '[:lower:]' | sed -E 's/[^a-z0-9]+/-/g; s/^-|-$//g'; }

program="${DISTTRAIN:-}"
if [ -z "$program" ]; then
  swift build --package-path "$repository" -c release --product disttrain
  program="$(swift build --package-path "$repository" -c release --show-bin-path)/disttrain"
fi

commit="$(git -C "$repository" rev-parse --short=10 HEAD 2>/dev/null || echo unknown)"
if [ -n "$(git -C "$repository" status --porcelain --untracked-files=no 2>/dev/null)" ]; then
  commit="$commit-dirty"
fi
processor="$(sed -n 's/^model name[^:]*: *//p' /proc/cpuinfo | head -n 1)"
machine="$(slug "${processor:-unknown}" "$(nproc)" cores)"
flags="$(slug "$*")"
mkdir -p "$results"

read -r load _ </proc/loadavg
if [ "${load%%.*}" -ge 1 ]; then
  echo "warning: the load of this machine is $load; wait until it is quiet" >&2
fi
# Our kernels ignore it; with it, the comparison with OpenBLAS would be unfair.
unset OPENBLAS_CORETYPE OPENBLAS_L2_SIZE

launcher=()
if [ "$ranks" -gt 1 ]; then
  launcher=(mpirun --bind-to none -np "$ranks")
  if [ "$(id -u)" -eq 0 ]; then
    export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
  fi
fi

for preset in ${PRESETS:-abl1 abl2 abl3 bsrnn unimamba}; do
  what="step-$(basename "$preset" .json)${flags:+-$flags}"
  if [ "$ranks" -gt 1 ]; then what="$what-$ranks-ranks"; fi
  file="$results/$machine-$commit-$what.json"
  "${launcher[@]}" "$program" bench step --preset "$preset" "$@" --label "$commit" --json "$file"
  echo "Written: $file"
  echo
done
file="$results/$machine-$commit-kernels.json"
"$program" bench kernels --label "$commit" --json "$file"
echo "Written: $file"
