# Sourced by demo.sh, study.sh and test.sh: installs the Debian packages that are missing.

# Packages that the build needs, and those that making the mini corpus needs.
build_packages=(libopenmpi-dev openmpi-bin libopenblas-dev libsndfile1-dev libfftw3-dev pkg-config)
corpus_packages=(libspandsp2 libsoxr0)
# Emulated hosts (hosts.sh), a SLURM on them (slurm-cluster.sh), a browser (check-report.py) and a
# Python for what tests read back with other programs.
test_packages=(iproute2 slurm-wlm munge chromium chromium-driver python3-selenium python3-venv)

# install_packages NAME…: says which are missing and installs them, or says what to run by hand.
install_packages() {
  local missing=() name
  for name in "$@"; do
    if ! dpkg-query -W -f '${Status}' "$name" 2>/dev/null | grep -q '^install ok installed$'; then
      missing+=("$name")
    fi
  done
  if [ ${#missing[@]} -eq 0 ]; then
    return 0
  fi
  echo "Missing Debian packages: ${missing[*]}"
  if [ "$(id -u)" -ne 0 ]; then
    echo "Install them by hand, then run this script again:" >&2
    echo "  sudo apt-get update && sudo apt-get install -y ${missing[*]}" >&2
    return 1
  fi
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "${missing[@]}" >/dev/null
  echo "Installed: ${missing[*]}"
}

# make_test_python: a Python with Tests/Scripts/requirements.txt, in the build folder.
make_test_python() {
  if ! cmp -s Tests/Scripts/requirements.txt .build/python/installed; then
    /usr/bin/python3 -m venv --clear .build/python
    .build/python/bin/pip install --quiet --disable-pip-version-check \
      -r Tests/Scripts/requirements.txt
    cp Tests/Scripts/requirements.txt .build/python/installed
  fi
}

# require_swift: the toolchain is the one thing that is not a Debian package.
require_swift() {
  if ! command -v swift >/dev/null 2>&1; then
    echo "swift is not on the PATH; install Swift 6 for Debian 12 from swift.org first" >&2
    return 1
  fi
}

# allow_root: Open MPI refuses to start as root unless told that it is meant.
allow_root() {
  if [ "$(id -u)" -eq 0 ]; then
    export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
  fi
}
