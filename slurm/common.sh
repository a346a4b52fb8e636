# Sourced by the job scripts, from the repository's root: what all of them do.
set -euo pipefail
source slurm/table.sh

# The modules of the site, its scratch folder and the like; none are needed.
if [ -f slurm/site.sh ]; then source slurm/site.sh; fi

# The job's programs and folders. The binary, the corpus and the run folders must be visible on every node.
disttrain=${DISTTRAIN:-.build/release/disttrain}
data=${DATA:-data/minicorpus}
runs=${RUNS:-runs}
if [ ! -x "$disttrain" ]; then
  echo "$disttrain is missing: build it first (swift build -c release --product disttrain)" >&2
  exit 1
fi

# One thread a core that SLURM gives a rank. srun does not take --cpus-per-task over from sbatch.
threads=${SLURM_CPUS_PER_TASK:-1}
export SRUN_CPUS_PER_TASK=$threads
# The program brings its own threads; OpenBLAS would start one a core when it is loaded.
export OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1 MKL_NUM_THREADS=1
unset OPENBLAS_CORETYPE

# counted NUMBER NOUN: "1 rank", "2 ranks".
counted() { echo "$1 $2$([ "$1" = 1 ] || echo s)"; }

# describe_job: what runs where, for whoever reads the log.
describe_job() {
  local element=${SLURM_ARRAY_TASK_ID:+, element $SLURM_ARRAY_TASK_ID of array $SLURM_ARRAY_JOB_ID}
  echo "job $SLURM_JOB_ID ($SLURM_JOB_NAME$element), start $((${SLURM_RESTART_COUNT:-0} + 1))"
  echo "$(counted "${SLURM_NTASKS:-1}" rank) of $(counted "$threads" thread) on" \
    "$SLURM_JOB_NODELIST, in $PWD"
  "$disttrain" --version
  srun --version
  git describe --always --dirty 2>/dev/null || true
}

# launch ARGUMENTS…: the program on all ranks of the job, to its end. Returns its status.
#
# Signals go to the ranks and not through this shell: SLURM sends that of --signal, and those of
# scancel and preemption, to the steps itself. This shell only must not die of them before the step.
launch() {
  local status=0
  trap : TERM USR1 USR2
  # pmix is how the ranks find each other. Without --kill-on-bad-exit the others of a rank that died
  # would wait for it until their own deadline.
  srun --mpi="${SRUN_MPI:-pmix}" --cpu-bind=cores --distribution=block:block --kill-on-bad-exit=1 \
    "$disttrain" "$@" &
  local step=$!
  # A trap ends the waiting, not the step.
  while kill -0 "$step" 2>/dev/null; do
    status=0
    wait "$step" || status=$?
  done
  trap - TERM USR1 USR2
  return "$status"
}

# train RUN ARGUMENTS…: trains into the folder RUN, or goes on with what is there, and decides by the
# exit status whether the job is to run again.
train() {
  local run=$1
  shift
  local arguments=(train --data "$data" --run-dir "$run" "$@")
  if [ "$threads" -gt 1 ]; then arguments+=(--threads "$threads"); fi
  # A packed corpus is read from the node's own disk; a folder from where it is.
  local stage=${STAGE-${SLURM_TMPDIR:-${TMPDIR:-/tmp}}/disttrain-$(id -un)}
  if [ -f "$data" ] && [ -n "$stage" ]; then arguments+=(--stage "$stage"); fi
  if has_run "$run"; then arguments+=(--resume); fi
  mkdir -p "$run"
  local status=0
  launch "${arguments[@]}" || status=$?
  case $status in
    0) echo "complete: $run" ;;
    75) run_again "$run is saved and not complete" 75 ;;
    76 | 1[3-9][0-9] | 2[0-9][0-9]) run_again "a rank or a node was lost (status $status)" "$status" ;;
    *)
      echo "status $status: what the error above names has to change first" >&2
      exit "$status"
      ;;
  esac
}

# run_again REASON STATUS: puts the job back into the queue, from outside any container, unless it
# was started too often or is on its way out anyway (cancelled, preempted).
run_again() {
  local restarts=${SLURM_RESTART_COUNT:-0} limit=${MAX_REQUEUES:-20} state
  state=$(squeue -h -j "$SLURM_JOB_ID" -o %T 2>/dev/null | head -n 1) || state=
  if [ "$state" != RUNNING ]; then
    echo "$1; not requeued: the job is ${state:-gone}"
    exit "$2"
  fi
  if [ "$restarts" -ge "$limit" ]; then
    echo "$1; not requeued: it was $restarts times (MAX_REQUEUES=$limit)" >&2
    exit "$2"
  fi
  echo "$1; requeued ($((restarts + 1)) of at most $limit)"
  scontrol requeue "$SLURM_JOB_ID"
  # SLURM ends this script; its status would end the job instead.
  sleep 120
  exit "$2"
}
