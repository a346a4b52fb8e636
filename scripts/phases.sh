# Sourced by test.sh and full-check.sh: names the phases of a check and says how long each took.

phase_names=()
phase_seconds=()
phase_began=0

# phase NAME: ends the phase before and begins another.
phase() {
  end_phase
  phase_names+=("$1")
  phase_began=$SECONDS
  printf '\n== %s\n' "$1"
}

end_phase() {
  if [ ${#phase_names[@]} -gt ${#phase_seconds[@]} ]; then
    phase_seconds+=($((SECONDS - phase_began)))
  fi
}

# phase_table: ends the last phase; a line for each phase and one for all.
phase_table() {
  end_phase
  printf '\n%-58s %8s\n' phase 'min:s'
  local i
  for i in "${!phase_names[@]}"; do
    printf '%-58s %5d:%02d\n' "${phase_names[$i]}" \
      $((phase_seconds[i] / 60)) $((phase_seconds[i] % 60))
  done
  printf '%-58s %5d:%02d\n' total $((SECONDS / 60)) $((SECONDS % 60))
}
