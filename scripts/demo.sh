#!/usr/bin/env bash
# From a fresh clone to a trained model: installs what is missing, builds, makes a corpus of real
# speech, trains abl3 on two MPI ranks and scores it on speakers that it never heard.
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/packages.sh

data=data/minicorpus
run=data/demo
started=$SECONDS
step() { printf '\n== %s (%d:%02d)\n' "$1" $(((SECONDS - started) / 60)) $(((SECONDS - started) % 60)); }

step "Packages"
require_swift
install_packages "${build_packages[@]}" "${corpus_packages[@]}"
allow_root

step "Build"
swift build -c release --product disttrain
disttrain=$(swift build -c release --show-bin-path)/disttrain

step "Corpus of real speech in $data"
"$disttrain" prepare minicorpus --output "$data"

step "Training abl3 on 2 MPI ranks"
mpi=(mpirun -np 2)
if [ "$(nproc)" -lt 2 ]; then mpi+=(--oversubscribe --bind-to none); fi
# A short run: warm-up, a cosine that ends at zero within the budget, averaged weights.
train=("$disttrain" train --preset abl3 --data "$data" --run-dir "$run" --batch 2 --epochs 4
  --steps-per-epoch 100 --schedule cosine --warmup 20 --ema 0.98)
if [ -e "$run/last.safetensors" ]; then train+=(--resume); fi
"${mpi[@]}" "${train[@]}"

step "Quality on speakers never trained on"
"${mpi[@]}" "$disttrain" evaluate --weights "$run/best.safetensors" --data "$data" --split test

step "One utterance to listen to"
mkdir -p "$run/listen"
name=$(ls "$data/test/noisy" | head -n 1)
cp "$data/test/noisy/$name" "$run/listen/noisy.flac"
cp "$data/test/clean/$name" "$run/listen/clean.flac"
"$disttrain" enhance --weights "$run/best.safetensors" "$data/test/noisy/$name" \
  "$run/listen/enhanced.wav"

step "Done"
echo "best checkpoint: $run/best.safetensors"
echo "listen to:       $run/listen/noisy.flac  $run/listen/enhanced.wav  $run/listen/clean.flac"
