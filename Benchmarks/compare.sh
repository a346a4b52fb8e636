#!/usr/bin/env bash
# Two result files side by side, as ratios: Benchmarks/compare.sh BEFORE AFTER [--anyway]
#
# Runs `disttrain bench compare` with the program built here, the one on the PATH, or DISTTRAIN.
set -euo pipefail
built="$(cd "$(dirname "$0")/.." && pwd)/.build/release/disttrain"
if [ -n "${DISTTRAIN:-}" ]; then
  program="$DISTTRAIN"
elif [ -x "$built" ]; then
  program="$built"
elif ! program="$(command -v disttrain)"; then
  echo "disttrain is not built: swift build -c release --product disttrain" >&2
  exit 1
fi
exec "$program" bench compare "$@"
