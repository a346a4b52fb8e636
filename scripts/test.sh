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

# One at a time: they start up to four processes each, and some count on times. Beside them run,
# one at a time too, the suites that mostly wait: for deadlines, for SLURM. All that use emulated
# hosts are among these.
phase "Tests that start ranks"
waiting='HostfileTests|LostRanksTests|SLURMTests'
swift_test system-waiting --ignore-lock --no-parallel --filter "SystemTests.($waiting)" \
  >.build/tests/system-waiting.log 2>&1 &
waiting_tests=$!
status=0
swift_test system --ignore-lock --no-parallel --filter SystemTests --skip "$waiting" || status=1
wait "$waiting_tests" || status=1
cat .build/tests/system-waiting.log
[ "$status" -eq 0 ]

# InstructionSetAgreementTests, above, hold every AVX2 kernel against its AVX-512 twin bit for bit,
# so that a whole model of every system is enough here, as it is for OpenBLAS. All numerics again
# with both: scripts/full-check.sh.
if grep -q avx512f /proc/cpuinfo; then
  phase "A whole model with the AVX2 kernels"
  DISTTRAIN_KERNELS=avx2 swift_test avx2 --filter EndToEndTests
fi
phase "A whole model with OpenBLAS products"
DISTTRAIN_GEMM=openblas swift_test openblas --filter 'EndToEndTests|MatrixProductTests'

# Real jobs, harmed in every way; all drills are in scripts/drill.sh.
phase "Drills"
"$(swift build -c release --show-bin-path)/Drill" --short

phase_table
