#!/usr/bin/env bash
# Everything that test.sh leaves out because it takes long or a build of its own; run it before a
# release. A table at the end says what passed and how long it took; the status is 0 if all did.
#
#   scripts/full-check.sh            all, some forty minutes on two cores
#   scripts/full-check.sh NAME…      some of: tests numerics drills fresh-clone mpich documentation demo
set -uo pipefail
cd "$(dirname "$0")/.."
source scripts/packages.sh

require_swift || exit 1
install_packages "${build_packages[@]}" "${corpus_packages[@]}" "${test_packages[@]}" || exit 1
allow_root

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# The lints and the tests that every change has to pass.
check_tests() { scripts/check.sh; }

# All numerics again with the other instruction set, and with OpenBLAS for every product.
check_numerics() {
  local suites='TensorTests|ModelsTests|LossesTests|AdversarialTests'
  swift build -c release --build-tests || return
  if grep -q avx512f /proc/cpuinfo; then
    DISTTRAIN_KERNELS=avx2 swift test -c release --skip-build --filter "$suites" || return
  fi
  DISTTRAIN_GEMM=openblas swift test -c release --skip-build --filter "$suites"
}

# Every way in which a job is harmed.
check_drills() { scripts/drill.sh; }

# The README's commands in a fresh clone without a build folder.
check_fresh-clone() {
  git clone --quiet . "$folder/clone" || return
  (cd "$folder/clone" && swift build -c release --product disttrain \
    && PATH="$PWD/.build/release:$PATH" disttrain check)
}

# A build with MPICH, whose handles are numbers, and a run on two ranks of it.
check_mpich() {
  install_packages libmpich-dev mpich || return
  local flags=$folder/pkgconfig
  mkdir -p "$flags"
  # The library is the one that pkg-config calls mpi-c.
  cp "$(find /usr/lib -name mpich.pc -print -quit)" "$flags/mpi-c.pc" || return
  PKG_CONFIG_PATH=$flags swift build -c release --product disttrain \
    --scratch-path .build-mpich || return
  local program
  program=$(swift build -c release --scratch-path .build-mpich --show-bin-path)/disttrain
  ldd "$program" | grep -q libmpich || { echo "$program is not linked with MPICH"; return 1; }
  mpiexec.mpich -n 2 "$program" bench allreduce --max-bytes 1M --iterations 3 || return
  mpiexec.mpich -n 2 "$program" bench step --preset abl3 --batch 1 --steps 1
}

# The API documentation, without warnings.
check_documentation() { scripts/api-docs.sh "$folder/api"; }

# From nothing to a trained model; the same digits on every machine.
check_demo() {
  rm -rf data/demo
  scripts/demo.sh | tee "$folder/demo.txt" || return
  grep -q '1\.3837' "$folder/demo.txt" && grep -q '1\.6047' "$folder/demo.txt" || {
    echo "demo.sh: expected PESQ 1.3837 (noisy) and 1.6047 (enhanced)"
    return 1
  }
}

all=(tests numerics drills fresh-clone mpich documentation demo)
chosen=("${@:-${all[@]}}")
for name in "${chosen[@]}"; do
  declare -F "check_$name" >/dev/null || {
    echo "full-check.sh: there is no check \"$name\"; give some of: ${all[*]}" >&2
    exit 64
  }
done

rows=()
failed=0
for name in "${chosen[@]}"; do
  printf '\n==== %s\n' "$name"
  began=$SECONDS
  if "check_$name"; then result=passed; else result=FAILED failed=1; fi
  seconds=$((SECONDS - began))
  rows+=("$(printf '%-16s %-8s %5d:%02d' "$name" "$result" $((seconds / 60)) $((seconds % 60)))")
done
printf '\n%-16s %-8s %8s\n' check result min:s
printf '%s\n' "${rows[@]}"
exit $failed
