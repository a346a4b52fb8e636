#!/usr/bin/env bash
# Installs what is missing, builds everything and runs every test, MPI ones included.
#
# Results are in .build/tests/*.xml, one file for each phase; scripts/slowest-tests.py lists the
# slowest tests.
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/packages.sh
source scripts/phases.sh

phase "Packages"
require_swift
install_packages "${build_packages[@]}" "${corpus_packages[@]}" "${test_packages[@]}"
allow_root
make_test_python
mkdir -p .build/tests

# swift_test NAME ARGUMENT…: runs tests that are built already.
swift_test() {
  local name=$1
  shift
  swift test -c release --skip-build --xunit-output ".build/tests/$name.xml" "$@"
}

# A release build: in a debug build operations and models would take minutes.
phase "Build"
swift build -c release --build-tests

phase "Reference of the commands"
scripts/cli-reference.sh --check

phase "Tests inside the process"
swift_test inside --skip 'SystemTests|OneProcessTests'

# As many at a time as there are cores.
phase "Tests that start one process"
swift_test one-process --filter OneProcessTests

# One at a time: they start up to four processes each, and some count on times.
phase "Tests that start ranks"
swift_test system --no-parallel --filter SystemTests

# InstructionSetAgreementTests, above, hold every AVX2 kernel against its AVX-512 twin bit for bit,
# so that a whole model is enough here. All numerics again: scripts/full-check.sh.
if grep -q avx512f /proc/cpuinfo; then
  phase "A whole model with the AVX2 kernels"
  DISTTRAIN_KERNELS=avx2 swift_test avx2 --filter EndToEndTests
fi
phase "Numerics with OpenBLAS products"
DISTTRAIN_GEMM=openblas swift_test openblas --filter 'TensorTests|ModelsTests'

# Real jobs, harmed in every way; all drills are in scripts/drill.sh.
phase "Drills"
"$(swift build -c release --show-bin-path)/Drill" --short

phase_table
