#!/usr/bin/env bash
# All systems on the mini corpus with one budget: trained, scored on speakers that they never heard,
# compared, and shown in one page. Finished parts are kept: start it again after an interruption.
#
# STEPS=96 SYSTEMS="bsrnn unimamba abl1 abl2 abl3" SEED=0 RANKS=2 scripts/study.sh
#
# DISTTRAIN names a program to use instead of building this one.
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/packages.sh

read -ra systems <<<"${SYSTEMS:-bsrnn unimamba abl1 abl2 abl3}"
steps=${STEPS:-96}
passes=6
ranks=${RANKS:-2}
seed=${SEED:-0}
data=${DATA:-data/minicorpus}
study=${STUDY:-data/study}
step() { printf '\n== %s (%d:%02d)\n' "$1" $((SECONDS / 60)) $((SECONDS % 60)); }

if [ $((steps % passes)) -ne 0 ] || [ $((6 % ranks)) -ne 0 ]; then
  echo "STEPS must be a multiple of $passes, and RANKS 1, 2, 3 or 6" >&2
  exit 1
fi

step "Packages and build"
require_swift
install_packages "${build_packages[@]}" "${corpus_packages[@]}"
allow_root
disttrain=${DISTTRAIN:-}
if [ -z "$disttrain" ]; then
  swift build -c release --product disttrain
  disttrain=$(swift build -c release --show-bin-path)/disttrain
fi

step "Corpus of real speech in $data"
"$disttrain" prepare minicorpus --output "$data"

# The published global batch of 6; of the recipe only what so short a run needs is another.
launch=(mpirun -np "$ranks")
if [ "$(nproc)" -lt "$ranks" ]; then launch+=(--oversubscribe --bind-to none); fi
runs=()
for system in "${systems[@]}"; do
  run=$study/$system
  runs+=("$run")
  step "Training $system: $steps steps of 6 utterances"
  train=("$disttrain" train --preset "$system" --data "$data" --run-dir "$run" --seed "$seed"
    --batch $((6 / ranks)) --epochs "$passes" --steps-per-epoch $((steps / passes))
    --schedule cosine --warmup 20 --ema 0.95 --validation-count 40 --tensorboard)
  if [ -e "$run/configuration.json" ]; then train+=(--resume); fi
  "${launch[@]}" "${train[@]}"
  # Written last of what evaluate writes, so the other file is there too.
  if [ ! "$run/test-scores.csv" -nt "$run/best.safetensors" ]; then
    "${launch[@]}" "$disttrain" evaluate --weights "$run/best.safetensors" --data "$data" \
      --split test --csv "$run/test-scores.csv"
  fi
done

step "Comparison"
"$disttrain" compare "${runs[@]}" --output "$study/comparison"
"$disttrain" report "${runs[@]}" --output "$study/report.html"

step "Done"
echo "table:  $study/comparison/comparison.csv"
echo "report: $study/report.html"
