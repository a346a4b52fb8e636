#!/usr/bin/env bash
# The checks that need no build: form, comments, modules, the Python package.
set -euo pipefail
cd "$(dirname "$0")/.."

swift format lint --strict --recursive --parallel Package.swift Sources Tests

# swift-format breaks code at this length, but accepts comments and string literals of any. A locale
# with UTF-8 counts characters, not bytes.
length=100
if long=$(LC_ALL=C.UTF-8 grep -rnE --include='*.swift' ".{$((length + 1))}" \
  Package.swift Sources Tests)
then
  printf '%s\n' "$long" >&2
  echo "lint: lines over $length characters; break the comment or string literal" >&2
  exit 1
fi

scripts/lint-prose.py --self-test
scripts/lint-prose.py Package.swift Sources Tests scripts slurm python

scripts/modules.py --self-test
scripts/modules.py

scripts/check-python.py --self-test
scripts/check-python.py
