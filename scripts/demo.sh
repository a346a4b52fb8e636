#!/usr/bin/env bash
# From a fresh clone to a trained model: installs what is missing, builds, makes a corpus of real
# speech, trains abl1 on two MPI ranks and scores it on speakers that it never heard.
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/packages.sh

data=data/minicorpus
run=data/demo
step() { printf '\n== %s (%d:%02d)\n' "$1" $((SECONDS / 60)) $((SECONDS % 60)); }

step "Packages"
require_swift
install_packages "${build_packages[@]}" "${corpus_packages[@]}"
allow_root

step "Build"
swift build -c release --product disttrain
disttrain=$(swift build -c release --show-bin-path)/disttrain

step "Corpus of real speech in $data"
"$disttrain" prepare minicorpus --output "$data"

step "Training abl1 on 2 MPI ranks"
ranks=(mpirun -np 2)
if [ "$(nproc)" -lt 2 ]; then ranks+=(--oversubscribe --bind-to none); fi
# A short run: a cosine that ends at zero within the budget, warm-up, averaged weights. The rate is
# higher than the recipe's, since the steps are few.
train=("$disttrain" train --preset abl1 --data "$data" --run-dir "$run" --recipe short --batch 2
  --epochs 5 --steps-per-epoch 100 --lr 2e-3 --warmup 20)
if [ -e "$run/configuration.json" ]; then train+=(--resume); fi
"${ranks[@]}" "${train[@]}"

step "Scoring speakers never trained on"
weights=$run/last-weights.safetensors
"${ranks[@]}" "$disttrain" evaluate --weights "$weights" --data "$data" --split test \
  --csv "$run/test.csv" | tee "$run/test.txt"

# One utterance to listen to: that of the median gain in quality, neither luck nor bad luck.
name=$(awk -F, '
    FNR == 1 { next }
    NR == FNR { noisy[$1] = $2; next }
    $2 != "" && noisy[$1] != "" { print $2 - noisy[$1] "," $1 }
  ' "$run/test-noisy.csv" "$run/test.csv" | sort -n |
  awk -F, '{ names[NR] = $2 } END { print names[int((NR + 1) / 2)] }')
mkdir -p "$run/listen"
for side in noisy clean; do
  cp "$data/test/$side/$name.flac" "$run/listen/$side.flac"
done
"$disttrain" enhance --weights "$weights" "$run/listen/noisy.flac" "$run/listen/enhanced.wav"

step "Done"
cat "$run/test.txt"
echo "weights: $weights"
echo "listen ($name):"
echo "  noisy     $run/listen/noisy.flac"
echo "  enhanced  $run/listen/enhanced.wav"
echo "  clean     $run/listen/clean.flac"
