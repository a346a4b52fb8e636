#!/usr/bin/env bash
# Builds the documentation of the modules Tensor, Models, Audio and Metrics with DocC.
#
#   scripts/api-docs.sh [FOLDER]
#
# Writes FOLDER/MODULE for each (docs-api unless it is named), to be read through a web server, such as
# python3 -m http.server --directory FOLDER. A warning of DocC is an error.
set -euo pipefail
if [ $# -gt 1 ] || [[ ${1:-} == -* ]]; then
  sed -n '2,7s/^# \{0,1\}//p' "$0" >&2
  exit 64
fi
folder=$(realpath -m "${1:-$(dirname "$0")/../docs-api}")
cd "$(dirname "$0")/.."
mkdir -p "$folder"

# Package.swift has the plugin only then; a scratch folder of its own keeps its lock file apart.
export DISTTRAIN_DOCS=1
for module in Tensor Models Audio Metrics; do
  swift package --scratch-path .build-docs --allow-writing-to-directory "$folder/$module" \
    generate-documentation --target "$module" --warnings-as-errors \
    --symbol-graph-minimum-access-level package \
    --transform-for-static-hosting --hosting-base-path "$module" \
    --output-path "$folder/$module"
done
echo "written: $folder"
