#!/usr/bin/env bash
# Installs what is missing, builds everything and runs every test, MPI ones included.
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/packages.sh

require_swift
install_packages "${build_packages[@]}" "${corpus_packages[@]}" "${test_packages[@]}"
allow_root
make_test_python

# Release: debug kernels are too slow to test anything. One test at a time: the MPI tests start up
# to four processes each.
swift build -c release --build-tests
# Here, where the program is built: the pages of the commands are what its help says.
scripts/cli-reference.sh --check
swift test -c release --skip-build --no-parallel

# The numerics again with the other instruction set, and with OpenBLAS for every product.
if grep -q avx512f /proc/cpuinfo; then
  echo "Numerics with the AVX2 kernels"
  DISTTRAIN_KERNELS=avx2 swift test -c release --skip-build --no-parallel \
    --filter 'TensorTests|ModelsTests'
fi
echo "Numerics with OpenBLAS products"
DISTTRAIN_GEMM=openblas swift test -c release --skip-build --no-parallel \
  --filter 'TensorTests|ModelsTests'

# Real jobs, harmed in every way; all drills are in scripts/drill.sh.
"$(swift build -c release --show-bin-path)/Drill" --short
