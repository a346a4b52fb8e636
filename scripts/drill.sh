#!/usr/bin/env bash
# Kills, freezes, poisons, cuts and corrupts real training jobs, and prints what became of each.
#
#   scripts/drill.sh               all drills, some eight minutes
#   scripts/drill.sh --short       those that the tests run too
#   scripts/drill.sh --list        their names
#   scripts/drill.sh NAME…         some of them
#
# The exit status is 0 if all went as promised. Drills that this machine does not allow (hosts with
# networks of their own, a small disk: both need root) are reported as skipped.
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/packages.sh

require_swift
install_packages "${build_packages[@]}" "${test_packages[@]}"
allow_root
swift build -c release
exec "$(swift build -c release --show-bin-path)/Drill" "$@"
