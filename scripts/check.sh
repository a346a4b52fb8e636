#!/usr/bin/env bash
# What a change has to pass: formatting, then every test.
set -euo pipefail
cd "$(dirname "$0")/.."
swift format lint --strict --recursive --parallel Package.swift Sources Tests
scripts/test.sh
