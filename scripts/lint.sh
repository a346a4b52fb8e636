#!/usr/bin/env bash
# The checks that need no build: form, doc comments, modules.
set -euo pipefail
cd "$(dirname "$0")/.."

swift format lint --strict --recursive --parallel Package.swift Sources Tests

# Folders leave this list as their doc comments become readable; a new one is never in it.
pending=' DistTrain '
folders=()
for folder in Sources/* Tests/*; do
  if [[ $pending != *" ${folder#*/} "* ]] && [ -n "$(find "$folder" -name '*.swift' -print -quit)" ]
  then
    folders+=("$folder")
  fi
done
scripts/lint-prose.py --self-test
scripts/lint-prose.py "${folders[@]}"

scripts/modules.py --self-test
scripts/modules.py
