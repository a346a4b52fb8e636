#!/usr/bin/env bash
# What a change has to pass: formatting, doc comments, then every test.
set -euo pipefail
cd "$(dirname "$0")/.."
swift format lint --strict --recursive --parallel Package.swift Sources Tests
# Folders join this list as their doc comments become readable.
scripts/lint-prose.py --self-test
scripts/lint-prose.py \
  Sources/{Audio,Checksum,Metrics,Models} Tests/{AudioTests,MetricsTests,ModelsTests,TestSupport}
scripts/test.sh
