#!/usr/bin/env bash
# Writes one file of every kind that the program writes, with a build of the program, for the tests
# that every later version reads them (Tests/Fixtures/history, HistoryTests).
#
#   scripts/make-history-fixtures.sh PROGRAM VERSION
#
# makes Tests/Fixtures/history/VERSION. A version gets one when it writes something that its
# predecessor did not; what is there is never made again, since only the program of that time writes
# it. PROGRAM may also be version 0.1.0, which has fewer options. Everything is on one machine and
# takes less than a minute; paths in the files begin with /tmp/disttrain-history, and where the host
# may be named for the purpose (root), it is called node1.
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/packages.sh

if [ $# -ne 2 ] || [ ! -x "$1" ]; then
  sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//p}' "$0" >&2
  exit 2
fi
if [ -z "${HISTORY_HOST:-}" ] && unshare --uts true 2>/dev/null; then
  export HISTORY_HOST=node1
  exec unshare --uts -- sh -c 'hostname "$HISTORY_HOST"; exec "$0" "$@"' "scripts/${0##*/}" "$@"
fi
program=$(realpath "$1")
fixtures=$PWD/Tests/Fixtures/history
target=$fixtures/$2
corpus=$PWD/scripts/fixtures/history-corpus.py
if [ -e "$target" ]; then
  echo "$target is there; what an earlier program wrote stays as it is" >&2
  exit 1
fi
allow_root
export OMPI_MCA_btl_vader_single_copy_mechanism=none
unset DISTTRAIN_FAULT DISTTRAIN_GEMM DISTTRAIN_KERNELS OPENBLAS_CORETYPE OPENBLAS_L2_SIZE

work=/tmp/disttrain-history
made=$work/made
rm -rf "$work"
mkdir -p "$made"
cd "$work"
exec 3>&1 >"$work/log" 2>&1
trap 'status=$?; if [ $status -ne 0 ]; then tail -n 20 "$work/log" >&3; fi' EXIT
# The corpus is the tests' own, so that bits do not depend on how it was cut.
python3 "$corpus" .
if [ -d "$fixtures/corpus" ]; then
  rm -r corpus
  cp -r "$fixtures/corpus" .
else
  cp -r corpus "$fixtures/"
fi
cp -r "$fixtures/presets" .

# has WORD COMMAND…: whether the program's help of a command has the word.
has() {
  local help
  help=$("$program" "${@:2}" --help)
  [[ $help == *"$1"* ]]
}
is_first=1 # of version 0.1.0, whose only checkpoint is last.safetensors
if has --keep train; then is_first=; fi

# start RANKS WORDS…
start() {
  local ranks=$1 launcher=()
  shift
  if [ "$ranks" -gt 1 ]; then
    launcher=(mpirun --oversubscribe --bind-to none -np "$ranks")
  fi
  "${launcher[@]}" "$program" "$@" </dev/null
}

# words NAME PRESET ARGUMENTS…: the words of a training run, in the array `train`.
words() {
  train=(train --preset "presets/$2.json" --data corpus --seconds 0.3 --seed 7
    --run-dir "runs/$1")
  if [ ! "$is_first" ] && [ "$1" != eventful ]; then train+=(--keep 1); fi
  train+=("${@:3}")
}

# command FILE RANKS WORDS…: writes what a test has to start.
command() {
  python3 -c 'import json, sys
print(json.dumps({"ranks": int(sys.argv[1]), "arguments": sys.argv[2:]}))' "${@:2}" >"$1"
}

# finish: all of it becomes the fixture.
finish() {
  cp -a "$made" "$target"
  du -sh "$target" >&3
}

# keep NAME: the run folder as it is now becomes a fixture.
keep() {
  mkdir -p "$made/runs"
  cp -a "runs/$1" "$made/runs/"
}

# later NAME RANKS STEP: resumes the run, and keeps what it is after STEP steps.
later() {
  local name=$1 ranks=$2 step=$3 folder=$made/later/$1
  mkdir -p "$folder"
  start "$ranks" "${train[@]}" --resume --stop-after "$step"
  command "$folder/command.json" "$ranks" "${train[@]}" --resume --stop-after "$step"
  cp -L "runs/$name/last.safetensors" "runs/$name/history.csv" "runs/$name/metrics.jsonl" "$folder/"
}

# continued VERSION: what this program makes of the runs of an earlier one, as checksums.
continued() {
  local folder=$fixtures/$1 run name words
  mkdir -p "$made/continued/$1"
  for run in "$folder"/later/*; do
    name=${run##*/}
    rm -rf "runs/$name"
    cp -a "$folder/runs/$name" runs/
    mapfile -t words < <(python3 -c '
import json, sys
command = json.load(open(sys.argv[1]))
print(command["ranks"], *command["arguments"], sep="\n")' "$run/command.json")
    start "${words[@]}"
    python3 -c '
import json, struct, sys
data = open(sys.argv[1], "rb").read()
(length,) = struct.unpack("<Q", data[:8])
metadata = json.loads(data[8:8 + length])["__metadata__"]
print(json.dumps({key: value for key, value in metadata.items()
                  if key.startswith("checksum.") and key != "checksum.header"}, indent=1))' \
      "runs/$name/last.safetensors" >"$made/continued/$1/$name.json"
  done
}

# enhanced NAME: what its weights make of a recording, in 32-bit samples, and the test split's scores.
enhanced() {
  local weights=runs/$1/best.safetensors
  mkdir -p "$made/enhanced" "$made/evaluated"
  start 1 enhance --weights "$weights" --format float corpus/train/noisy/u5.wav \
    "$made/enhanced/$1.wav"
  start 1 evaluate --weights "$weights" --data corpus --split test --csv "evaluated-$1.csv"
  local file
  for file in evaluated-"$1"*.csv; do cp "$file" "$made/evaluated/${file#evaluated-}"; done
}

# 1. A run of each kind of model, stopped within an epoch after a validation, and what it becomes.
# Three steps an epoch.
words abl1 abl1 --batch 2 --epochs 4 --lr 0.01
start 1 "${train[@]}" --stop-after 4
enhanced abl1
keep abl1
later abl1 1 8

batches=(--batch 2)
if has --accumulate train; then batches=(--batch 1 --accumulate 2); fi
words abl2 abl2 "${batches[@]}" --epochs 4 --lr 0.004 --schedule cosine --warmup 2
start 1 "${train[@]}" --stop-after 5
enhanced abl2
keep abl2
later abl2 1 8

words abl3 abl3 --batch 1 --epochs 4 --lr 0.01 --schedule cosine --ema 0.8 --clip 0.5
mkdir "$made/logs"
start 2 "${train[@]}" --stop-after 4 | tee "$made/logs/abl3.log"
enhanced abl3
if [ ! "$is_first" ]; then
  start 1 evaluate --weights runs/abl3/best.safetensors --data corpus --split test \
    --csv runs/abl3/test-scores.csv --json "$made/evaluated/abl3.json"
fi
keep abl3
later abl3 2 8

if [ "$is_first" ]; then
  finish
  exit
fi

words bsrnn bsrnn --batch 2 --epochs 4 --lr 0.01 --schedule constant --steps-per-epoch 2
start 1 "${train[@]}" --stop-after 3
enhanced bsrnn
keep bsrnn
later bsrnn 1 6

words unimamba unimamba --batch 3 --epochs 4 --lr 0.01 --schedule step --warmup 4
start 1 "${train[@]}" --stop-after 3
enhanced unimamba
keep unimamba
later unimamba 1 6

# 2. Killed while the weights of the first epoch were scored beside training: the checkpoint holds
# them, too.
words beside bsrnn --batch 2 --epochs 4 --lr 0.01 --validate-async --checkpoint-every 1steps
DISTTRAIN_FAULT=stop-process@step=4 "$program" "${train[@]}" </dev/null &
job=$!
until grep -qs '^State:[[:space:]]*T' "/proc/$job/status"; do sleep 0.1; done
kill -KILL $job
wait $job || true
if ! grep -q frozen.band_split runs/beside/step-00000004.safetensors; then
  echo "the validation was over before the step after it; start again"
  exit 1
fi
keep beside
later beside 1 8

# 3. A run that went back after a step that was not finite, with its dump and a lower rate.
words back unimamba --batch 2 --epochs 3 --lr 0.01 --checkpoint-every 1steps --skip-limit 1 \
  --nonfinite-dumps 1
DISTTRAIN_FAULT=poison-weight@step=5,rank=0 start 1 "${train[@]}" --stop-after 6
keep back
later back 1 8

# 4. Two runs with all other events: a transient step, a stop by a signal, one before the end of the
# time, a damaged checkpoint, TensorBoard, a timeline; and one that diverged. Their checkpoints go.
eventful() {
  words eventful bsrnn --batch "$1" --epochs 4 --lr 0.01 --checkpoint-every 1steps --keep 2 \
    --tensorboard --nonfinite-dumps 1 "${@:2}"
}
eventful 1
DISTTRAIN_FAULT=poison-gradient@step=2,rank=1 start 2 "${train[@]}" --stop-after 3 \
  --trace runs/eventful/trace.json --trace-steps 1 --trace-after 1
eventful 2 --resume
DISTTRAIN_FAULT=stop-process@step=5,rank=0 "$program" "${train[@]}" </dev/null &
job=$!
until grep -qs '^State:[[:space:]]*T' "/proc/$job/status"; do sleep 0.1; done
kill -TERM $job
kill -CONT $job
wait $job || [ $? -eq 75 ]
eventful 1 --resume
start 2 "${train[@]}" --wall-time 60s --wall-margin 60s || [ $? -eq 75 ]
# Cut short, so that the one before it is taken.
truncate -s -1 "$(realpath runs/eventful/last.safetensors)"
start 2 "${train[@]}"
rm runs/eventful/step-* runs/eventful/last.safetensors
keep eventful

words diverged abl1 --batch 2 --epochs 2 --skip-limit 1 --rollbacks 0
DISTTRAIN_FAULT=poison-input@step=2,rank=0 start 1 "${train[@]}" || true
keep diverged

for dump in runs/*/nonfinite/*.safetensors; do
  start 1 replay "$dump" >"$dump.txt" || echo "status $?" >>"$dump.txt"
  cp "$dump.txt" "$made/${dump%/*}/"
done

# 5. Tables over runs, as they are in the fixtures.
(cd "$made" && start 1 compare runs/abl1 runs/abl2 runs/abl3 runs/bsrnn runs/unimamba \
  runs/eventful --output compared)

# 6. Packs: 16-bit and float samples, both layouts of corpora; and what training from them gives.
start 1 prepare voicebank --input download --output voicebank
cp -r voicebank "$made/"
mkdir -p "$made/packs"
for layout in corpus voicebank; do
  start 1 prepare pack --input "$layout" --output "$made/packs/$layout.safetensors"
  cp "$made/packs/$layout.safetensors" .
  words "from-$layout" bsrnn --batch 2 --epochs 1 --lr 0.01 --data "$layout.safetensors"
  start 1 "${train[@]}"
  mkdir "$made/packs/$layout"
  command "$made/packs/$layout/command.json" 1 "${train[@]}"
  cp "runs/from-$layout/metrics.jsonl" "$made/packs/$layout/"
done

# 7. Runs of earlier versions, whose bits may have been others.
for version in "$fixtures"/*/later; do
  version=${version%/later}
  continued "${version##*/}"
done

# 8. Measurements that other commands read.
mkdir "$made/bench"
step=(bench step --preset presets/bsrnn.json --batch 1 --seconds 0.3 --steps 2 --label history)
start 1 "${step[@]}" --json "$made/bench/step-1.json"
start 2 "${step[@]}" --json "$made/bench/step-2.json"
start 2 bench allreduce --max-bytes 1K --iterations 2 --json "$made/bench/allreduce.json"
start 1 plan --preset presets/bsrnn.json --ranks-per-node 1 --utterances 100 --batch 1 \
  --seconds 0.3 --save-calibration "$made/bench/calibration.json"
finish
