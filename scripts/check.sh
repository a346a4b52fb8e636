#!/usr/bin/env bash
# Checks that a change has to pass: the lints, then every test.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/lint.sh
scripts/test.sh
