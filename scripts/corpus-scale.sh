#!/usr/bin/env bash
# Measures what a rank pays for each pair of a large corpus: memory and time to the first step.
#
#   scripts/corpus-scale.sh PROGRAM PAIRS FOLDER           from a folder, and from a pack of it
#   SOURCES=folder scripts/corpus-scale.sh …               the folder only; SOURCES=pack the pack only
#   RANKS=4 WORK=DIR scripts/corpus-scale.sh …             ranks of the job, and where things are kept
#
# The corpus in FOLDER has PAIRS training pairs that are symbolic links to eight recordings of 0.1 s,
# and eight validation pairs; it is made unless it is there. A job of a tiny model is stopped in its
# first epoch. The memory of each rank is that of /proc/PID/smaps_rollup at step 20, minus that of
# the same job on 800 pairs: Rss counts shared pages in every rank, Pss divides them by the ranks
# that share them, private belongs to the rank alone.
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/packages.sh
if [ $# -ne 3 ]; then
  sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//p}' "$0" >&2
  exit 2
fi
program=$(realpath "$1") pairs=$2 corpus=$3
ranks=${RANKS:-4}
work=${WORK:-$(mktemp -d)}
if [ -z "${WORK:-}" ]; then trap 'rm -rf "$work"' EXIT; fi
mkdir -p "$work"
allow_root
export OMPI_MCA_btl_vader_single_copy_mechanism=none

cat >"$work/tiny.json" <<'END'
{
  "name": "tiny", "title": "Tiny", "summary": "measures the corpus",
  "bins": 257, "bands": [128, 129], "features": 4, "layers": 1,
  "trunk": { "kind": "bimamba", "paths": ["intra"], "mamba": { "d_state": 2, "d_conv": 2, "expand": 1 } },
  "decoder": { "expansion": 1, "mask_taps": 1 }
}
END

# make FOLDER PAIRS: a corpus of links.
make() {
  python3 - "$1" "$2" <<'END'
import os, random, struct, sys
folder, count = sys.argv[1], int(sys.argv[2])
random.seed(1)
def wave(path, samples):
    data = struct.pack("<%dh" % len(samples), *samples)
    with open(path, "wb") as file:
        file.write(b"RIFF" + struct.pack("<I", 36 + len(data)) + b"WAVEfmt "
                   + struct.pack("<IHHIIHH", 16, 1, 1, 16000, 32000, 2, 16)
                   + b"data" + struct.pack("<I", len(data)) + data)
os.makedirs(folder + "/sources")
for i in range(8):
    for side in ("clean", "noisy"):
        wave("%s/sources/%s%d.wav" % (folder, side, i),
             [random.randrange(-3000, 3000) for _ in range(1600)])
for split, n in (("train", count), ("valid", 8)):
    for side in ("clean", "noisy"):
        os.makedirs("%s/%s/%s" % (folder, split, side))
        for i in range(n):
            os.symlink("../../sources/%s%d.wav" % (side, i % 8),
                       "%s/%s/%s/s%04d_%05d.wav" % (folder, split, side, i // 1000, i))
END
}

# measure NAME DATA: starts the job, waits for step 20, and prints a line for each rank, ended by the
# seconds to the first step.
measure() {
  local name=$1 data=$2 run="$work/run" start job pids rank=0 now first=
  rm -rf "$run"
  start=$(date +%s.%N)
  mpirun --oversubscribe --bind-to none -np "$ranks" "$program" train --preset "$work/tiny.json" \
    --data "$data" --run-dir "$run" --epochs 1 --batch 1 --seconds 0.5 >"$work/$name.log" 2>&1 &
  job=$!
  while kill -0 $job 2>/dev/null; do
    if [ -z "$first" ] && grep -q '"event":"step"' "$run/metrics.jsonl" 2>/dev/null; then
      now=$(date +%s.%N)
      first=$(awk -v a="$start" -v b="$now" 'BEGIN { printf "%.1f", b - a }')
    fi
    if [ "$(grep -c '"event":"step"' "$run/metrics.jsonl" 2>/dev/null)" -ge "${STEPS:-20}" ] 2>/dev/null
    then break; fi
    sleep 0.1
  done
  pids=$(pgrep -P $job -f "$run" | sort -n)
  for pid in $pids; do
    awk -v name="$name" -v rank=$rank '
      /^Rss:/ { rss = $2 } /^Pss:/ { pss = $2 } /^Private/ { private += $2 }
      END { print name, rank, rss, pss, private }' "/proc/$pid/smaps_rollup"
    rank=$((rank + 1))
  done >"$work/$name.memory"
  grep VmHWM $(for pid in $pids; do echo "/proc/$pid/status"; done) >"$work/$name.peak" || true
  kill $job
  wait $job 2>/dev/null || true
  echo "$first" >"$work/$name.first"
}

if [ ! -e "$corpus/train" ]; then make "$corpus" "$pairs"; fi
few="$work/few"
if [ ! -e "$few" ]; then make "$few" 800; fi
for source in ${SOURCES:-folder pack}; do
  base=$few
  data=$corpus
  if [ "$source" = pack ]; then
    data="$corpus.safetensors" base="$few.safetensors"
    "$program" prepare pack --input "$few" --output "$base" >/dev/null
    if [ ! -e "$data" ]; then
      /usr/bin/env time -f "packing: %e s, %M kB at most" \
        "$program" prepare pack --input "$corpus" --output "$data" 2>&1 | tail -n 3
    fi
  fi
  STEPS=15 measure "few-$source" "$base"
  measure "$source" "$data"
  paste "$work/few-$source.memory" "$work/$source.memory" | awk -v pairs="$pairs" -v source="$source" \
    -v few="$(cat "$work/few-$source.first")" -v first="$(cat "$work/$source.first")" '
    function bytes(kilobytes) { return sprintf("%.1f", kilobytes * 1024 / pairs) }
    BEGIN { printf "%s, %d pairs: first step after %s s (800 pairs: %s s)\n", source, pairs, first, few
            print "rank  MB Rss  bytes a pair: Rss, Pss, private" }
    { printf "%4d  %6.1f  %s  %s  %s\n", $2, $8 / 1024, bytes($8 - $3), bytes($9 - $4),
        bytes($10 - $5) }'
done
