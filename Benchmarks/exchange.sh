#!/usr/bin/env bash
# Measures how much of the exchange of gradients the backward pass hides, over the hosts that mpirun
# is told about, and prints one line a variant and round:
#
#   Benchmarks/exchange.sh --hostfile hosts -np 2 --bind-to none      # arguments go to mpirun
#   ROUNDS=3 FLAGS="--preset abl3 --batch 6" Benchmarks/exchange.sh -np 2
#
# VARIANTS are flags of `disttrain bench step`, separated by semicolons; each is measured with and
# without overlap, in turns, so that a drifting clock meets both. DISTTRAIN is the program.
set -euo pipefail
program="${DISTTRAIN:-$(cd "$(dirname "$0")/.." && pwd)/.build/release/disttrain}"
read -ra flags <<<"${FLAGS:---preset abl1 --batch 6 --steps 5}"
IFS=';' read -ra variants <<<"${VARIANTS:---wire float64;--wire float32;--wire bf16}"
if [ "$(id -u)" -eq 0 ]; then
  export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
fi
unset OPENBLAS_CORETYPE OPENBLAS_L2_SIZE

for ((round = 1; round <= ${ROUNDS:-2}; round++)); do
  for variant in "${variants[@]}"; do
    read -ra wanted <<<"$variant"
    for overlap in --no-overlap --overlap; do
      text="$(mpirun "$@" "$program" bench step "${flags[@]}" "${wanted[@]}" "$overlap")"
      echo "$variant $overlap"
      grep -E '^(step|exchange|resident) ' <<<"$text"
    done
  done
done
