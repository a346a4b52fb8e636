#!/usr/bin/env bash
# Submits the runs of a table as a job array, and the comparison that follows it.
#
#   slurm/submit.sh [--dry-run] [--table FILE] [--at-once N] [-- SBATCH-OPTIONS…]
#
# Run it from the repository's root, on a login node. Options after -- go to sbatch for the array, as
# --nodes=4 --ntasks-per-node=32 --time=12:00:00. DATA, RUNS, DISTTRAIN and STAGE are taken from the
# environment, SBATCH_PARTITION and SBATCH_ACCOUNT by sbatch itself.
set -euo pipefail

usage() { sed -n '2,8s/^# \{0,1\}//p' "$0"; }
fail() {
  echo "submit.sh: $1" >&2
  exit "${2:-1}"
}

dry_run=false
table=${TABLE:-slurm/ablations.tsv}
at_once=
while [ $# -gt 0 ]; do
  case $1 in
    --dry-run) dry_run=true ;;
    --table) table=${2:?--table needs a file} && shift ;;
    --at-once) at_once=${2:?--at-once needs a number} && shift ;;
    --help | -h) usage && exit 0 ;;
    --) shift && break ;;
    *) usage >&2 && fail "unknown option $1" 64 ;;
  esac
  shift
done

[ -f slurm/ablations.sbatch ] || fail "run it from the repository's root"
[ -f "$table" ] || fail "the table $table does not exist"
$dry_run || command -v sbatch >/dev/null || fail "sbatch is not on the PATH: is this a login node?"
disttrain=${DISTTRAIN:-.build/release/disttrain}
[ -x "$disttrain" ] || fail "$disttrain is missing: swift build -c release --product disttrain"
data=${DATA:-data/minicorpus}
[ -e "$data" ] || fail "the corpus $data does not exist; set DATA"
source slurm/table.sh

# Everything that would end a job of the night in its first minute ends here.
count=$(table_length "$table")
[ "$count" -gt 0 ] || fail "$table lists no run"
seen=" "
for number in $(seq "$count"); do
  table_line "$table" "$number"
  where="$table, run $number"
  [[ $seed =~ ^[0-9]+$ ]] || fail "$where: the seed \"$seed\" is not a number (columns are tabs apart)"
  folder=$(run_folder "$preset" "$seed")
  [[ $seen != *" $folder "* ]] || fail "$where: $preset with seed $seed is there twice"
  seen+="$folder "
  resume=()
  if has_run "$folder"; then resume=(--resume); fi
  if ! answer=$("$disttrain" train --dry-run --data "$data" --run-dir "$folder" --preset "$preset" \
    --seed "$seed" "${flags[@]}" "${resume[@]}" 2>&1); then
    fail "$where: $answer"
  fi
  echo "run $number: $preset, seed $seed, ${flags[*]:-default recipe} -> $folder${resume:+ (goes on)}"
done

export TABLE=$table
array=(sbatch --parsable "--array=1-$count${at_once:+%$at_once}" "$@" slurm/ablations.sbatch)
# afterany: a run that failed must be in the table too.
compare=(sbatch --parsable "--dependency=afterany:ARRAY" slurm/compare.sbatch)
if $dry_run; then
  echo "would submit: ${array[*]}"
  echo "then:         ${compare[*]}"
  exit 0
fi
job=$("${array[@]}")
job=${job%%;*}
follower=$("${compare[@]/ARRAY/$job}")
follower=${follower%%;*}
cat <<END
array $job ($count runs), comparison $follower

squeue --me                                  # what waits and what runs
tail -f ablations-${job}_1.out               # one run's log
grep Epoch ablations-${job}_*.out | tail     # how far all are
sacct -j $job -o JobID,State,Elapsed,ExitCode
scancel $job $follower                       # all of it
END
