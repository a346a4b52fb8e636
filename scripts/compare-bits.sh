#!/usr/bin/env bash
# Trains, enhances and scores with two builds of the program, and says in what their files differ by
# as much as a bit: what a change that means to compute the same has to pass.
#
#   scripts/compare-bits.sh OLD NEW                two executables of disttrain
#   scripts/compare-bits.sh OLD NEW abl3 unimamba  these systems only
#
# Each system, in small, is trained on one rank and on two: --accumulate, --ema, a cosine with a
# warm-up, a validation after each of two epochs, and a stop in the first epoch with a --resume. One
# more run of abl3 each goes other ways: from a pack, through skipped steps and a rollback, with
# threads and recomputation, over each wire, and validated beside training. Compared are all files of
# the run folders: checkpoints, weights and dumps byte for byte, tables and events but for times.
# Last, recordings are enhanced and scored with the old program's weights. DIFFERENT in the table
# means the exit status 1, and says where. KEEP=FOLDER keeps what was written there. With MORE=1 the
# new program may write files, metadata and keys that the old one does not; they are listed.
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/packages.sh

if [ $# -lt 2 ]; then
  sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//p}' "$0" >&2
  exit 2
fi
for program in "$1" "$2"; do
  if [ ! -x "$program" ] || [ -d "$program" ]; then
    echo "$program: no executable; give two programs that were built with swift build -c release" >&2
    exit 2
  fi
done
declare -A programs=([old]=$(realpath "$1") [new]=$(realpath "$2"))
shift 2
systems=("$@")
if [ ${#systems[@]} -eq 0 ]; then systems=(abl1 abl2 abl3 bsrnn bsrnn31 unimamba); fi
allow_root
# Settings of a surrounding job or an earlier experiment must not decide what is compared.
unset DISTTRAIN_FAULT DISTTRAIN_GEMM
export OMPI_MCA_btl_vader_single_copy_mechanism=none

repository=$PWD
work=${KEEP:-$(mktemp -d)}
if [ -e "$work/old" ]; then
  echo "$work holds an earlier comparison; remove it or give another KEEP" >&2
  exit 2
fi
mkdir -p "$work/old" "$work/new"
if [ -z "${KEEP:-}" ]; then trap 'rm -rf "$work"' EXIT; fi
cd "$work"

# The presets' kinds of layers in small: few features, no multiple of a vector, and two layers. They
# are written out, since a file of Sources may have keys that the older program does not know.
preset() {
  local mamba='"mamba": { "d_state": 5, "d_conv": 4, "expand": 1 }'
  local bands='2, "3x10", "8x12", "18x4", "19x3"' trunk decoder
  case $1 in
    abl1) trunk='"kind": "bimamba", "paths": ["intra"], '$mamba
      decoder='"expansion": 2, "mask_taps": 3' ;;
    abl2) trunk='"kind": "bimamba", "paths": ["intra", "cross"], '$mamba
      decoder='"expansion": 2, "mask_taps": 3' ;;
    abl3) trunk='"kind": "bimamba", "paths": ["intra", "cross"], '$mamba
      decoder='"expansion": ["2x11", "3x12", "4x7"], "mask_taps": 1' ;;
    bsrnn) trunk='"kind": "lstm", "expand": 2'
      decoder='"expansion": 2, "mask_taps": 1' ;;
    bsrnn31) trunk='"kind": "lstm", "expand": 2' bands='2, "3x10", "8x12", "16x7", 17'
      decoder='"expansion": 2, "mask_taps": 3' ;;
    unimamba) trunk='"kind": "unimamba", '$mamba
      decoder='"expansion": 2, "mask_taps": 3' ;;
    *) echo "$1: no such system; there are abl1 abl2 abl3 bsrnn bsrnn31 unimamba" >&2
      exit 2 ;;
  esac
  cat >"$1.json" <<END
{
  "name": "$1", "title": "$1 in small", "summary": "compares builds",
  "bins": 257, "bands": [$bands], "features": 20, "layers": 2,
  "trunk": { $trunk },
  "decoder": { $decoder }
}
END
}

# Real speech of the metrics' fixtures, ten utterances to train on and two to validate.
corpus() {
  local sources=("$repository"/Tests/Fixtures/metrics/g*_noisy_deg.wav) index split name
  for index in 0 1 2 3 4 5 6 7 8 9 10 11; do
    split=train
    if [ $index -ge 10 ]; then split=valid; fi
    name=${sources[index % ${#sources[@]}]}
    mkdir -p corpus/$split/clean corpus/$split/noisy
    cp "$name" corpus/$split/noisy/u$index.wav
    cp "${name%_deg.wav}_ref.wav" corpus/$split/clean/u$index.wav
  done
}

# start SIDE RANKS WORDS…: runs one side's program in its folder, where paths are the same for both.
start() {
  local side=$1 ranks=$2 launcher=()
  shift 2
  if [ "$ranks" -gt 1 ]; then
    launcher=(mpirun --oversubscribe --bind-to none -np "$ranks")
  fi
  # shellcheck disable=SC2086  # VARIABLES are words of the form NAME=value
  (cd "$side" && env ${VARIABLES:-} "${launcher[@]}" "${programs[$side]}" "$@") \
    >>"$side/log" 2>&1 </dev/null
}

failures=0
row() { printf '%-10s %-28s %-10s %s\n' "$@"; }

# compared SYSTEM WHAT LINES: the table's row, of what a comparison printed.
compared() {
  local found=$3
  if [[ $found == equal:* ]]; then
    row "$1" "$2" equal "${found#equal: }"
  else
    failures=$((failures + 1))
    row "$1" "$2" DIFFERENT "$(head -n 1 <<<"$found")"
    tail -n +2 <<<"$found" | sed 's/^/             /'
  fi
}

# failed SYSTEM WHAT SIDE: the row of a command that did not end well.
failed() {
  failures=$((failures + 1))
  row "$1" "$2" DIFFERENT "the $3 program ended with an error: $(
    grep -i error "$3/log" | tail -n 1)"
}

# train SYSTEM NAME RANKS STOP ARGUMENTS…: two starts, with a resume after STOP steps between them,
# or one if that is 0; then the comparison. VARIABLES are set for the program.
train() {
  local system=$1 name=$2 ranks=$3 stop=$4 side arguments
  shift 4
  for side in old new; do
    arguments=(train --preset ../$system.json --data ../corpus --seconds 0.5 --seed 7
      --run-dir "$system-${name// /-}" --keep 100 "$@")
    if [ "$stop" -gt 0 ]; then
      if ! start $side "$ranks" "${arguments[@]}" --stop-after "$stop"; then
        failed $system "$name" $side
        return
      fi
      arguments+=(--resume)
    fi
    if ! start $side "$ranks" "${arguments[@]}"; then
      failed $system "$name" $side
      return
    fi
  done
  # shellcheck disable=SC2086  # COMPARE is an option or nothing
  compared $system "$name" "$(python3 "$repository/scripts/compare-runs.py" ${MORE:+--more} ${COMPARE:-} \
    "old/$system-${name// /-}" "new/$system-${name// /-}" 2>&1)"
}

# alike SYSTEM WHAT FILE…: compares files of both sides byte for byte.
alike() {
  local system=$1 what=$2 file differing=() bytes=0
  shift 2
  for file in "$@"; do
    if [ ! -s "old/$file" ] || ! cmp -s "old/$file" "new/$file"; then
      differing+=("$file")
    else
      bytes=$((bytes + $(stat -c %s "old/$file")))
    fi
  done
  if [ ${#differing[@]} -gt 0 ]; then
    compared $system "$what" "missing, empty or other bytes: ${differing[*]}"
  else
    compared $system "$what" "equal: $# files, $bytes bytes"
  fi
}

corpus
row system what result "compared"
recipe=(--epochs 2 --accumulate 2 --ema 0.9 --schedule cosine --warmup 3 --checkpoint-every 1steps)
for system in "${systems[@]}"; do
  preset $system
  train $system "1 rank" 1 3 --batch 2 "${recipe[@]}"
  train $system "2 ranks" 2 1 --batch 1 "${recipe[@]}"
done

preset abl3
more=(--epochs 2 --batch 2 --checkpoint-every 2steps)
for side in old new; do
  mkdir -p "$side/pack"
  start $side 1 prepare pack --input ../corpus --output pack/corpus.safetensors \
    || failed abl3 pack $side
done
compared abl3 "pack" "$(python3 "$repository/scripts/compare-runs.py" ${MORE:+--more} old/pack new/pack 2>&1)"
train abl3 "from the pack" 1 3 "${more[@]}" --data pack/corpus.safetensors
train abl3 "threads and recompute" 1 0 "${more[@]}" --threads 2 --recompute
train abl3 "wire bf16" 2 3 "${more[@]}" --wire bf16
train abl3 "wire float32" 2 0 "${more[@]}" --wire float32 --no-overlap
VARIABLES=DISTTRAIN_FAULT=poison-weight@step=4,rank=0 train abl3 "skipped and back" 1 0 \
  "${more[@]}" --skip-limit 2 --nonfinite-dumps 1
COMPARE=--unordered train abl3 "validated beside training" 1 0 "${more[@]}" --validate-async

# The old program's weights, so that differences of training do not count here again.
mkdir -p old/enhanced new/enhanced
for system in "${systems[@]}"; do
  weights=../old/$system-1-rank/best.safetensors
  for side in old new; do
    start $side 1 enhance --weights "$weights" --format float ../corpus/valid/noisy \
      enhanced/$system || failed $system enhance $side
    start $side 2 evaluate --weights "$weights" --data ../corpus --split valid \
      --csv $system.csv || failed $system evaluate $side
  done
  alike $system "enhance" enhanced/$system/u10.wav enhanced/$system/u11.wav
  alike $system "evaluate on 2 ranks" $system.csv $system-noisy.csv
done

if [ $failures -gt 0 ]; then
  echo "$failures of the rows above are DIFFERENT"
  exit 1
fi
echo "All equal"
