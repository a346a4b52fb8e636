# Sourced: the table of runs, and their folders.

# table_line FILE NUMBER: sets preset, seed and flags (an array) of the run NUMBER, from 1.
table_line() {
  local line words
  line=$(grep -v -e '^#' -e '^[[:space:]]*$' "$1" | sed -n "$2p")
  if [ -z "$line" ]; then
    echo "$1 has no run $2" >&2
    return 1
  fi
  IFS=$'\t' read -r preset seed words <<<"$line"
  read -ra flags <<<"$words"
}

# table_length FILE: how many runs it lists.
table_length() {
  grep -c -v -e '^#' -e '^[[:space:]]*$' "$1" || true
}

# run_folder PRESET SEED: where the run trains; no two runs share one.
run_folder() {
  echo "${RUNS:-runs}/$(basename "$1" .json)/seed$2"
}

# has_run FOLDER: whether there is a run to go on with, or one that was killed before it saved anything.
has_run() {
  compgen -G "$1/step-*.safetensors" >/dev/null || [ -e "$1/last.safetensors" ] ||
    [ -e "$1/configuration.json" ]
}
