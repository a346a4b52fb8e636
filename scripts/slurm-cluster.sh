#!/usr/bin/env bash
# A real SLURM on this machine, to try job scripts: slurmctld on h1 and a slurmd on each emulated
# host (scripts/hosts.sh). Needs root and the packages slurm-wlm, munge and iproute2.
#
#   scripts/slurm-cluster.sh up N [CORES]   N nodes of CORES cores, of this machine's if not given
#   scripts/slurm-cluster.sh run CMD…       run sbatch, squeue, srun … as on a login node
#   scripts/slurm-cluster.sh down           end everything and remove it
#
# Its state is in HOSTS_DIR, as that of the hosts.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
export HOSTS_DIR=${HOSTS_DIR:-${TMPDIR:-/tmp}/disttrain-hosts}
state=$HOSTS_DIR-slurm
hosts=$here/hosts.sh

# In the folder of the caller, which entering a host forgets.
on() { "$hosts" run "$1" env -C "$PWD" SLURM_CONF="$state/slurm.conf" "${@:2}"; }

configuration() {
  local count=$1 cores=$2 memory
  # Each node claims all of it, in MB: tests train tiny models.
  memory=$(awk '/^MemTotal/ { print int($2 / 1024) }' /proc/meminfo)
  cat <<END
ClusterName=emulated
SlurmctldHost=h1
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
# A job that is requeued waits until its credential has expired: two minutes by default.
AuthInfo=socket=$state/munge.socket,cred_expire=10
StateSaveLocation=$state/state
SlurmdSpoolDir=$state/spool.%n
SlurmctldPidFile=$state/slurmctld.pid
SlurmdPidFile=$state/slurmd.%n.pid
SlurmctldLogFile=$state/slurmctld.log
SlurmdLogFile=$state/slurmd.%n.log
# Neither systemd nor control groups are needed.
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerType=sched/backfill
SchedulerParameters=sched_interval=2,bf_interval=2,batch_sched_delay=0
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
KillWait=15
SlurmdTimeout=15
InactiveLimit=0
CompleteWait=0
ReturnToService=2
PropagateResourceLimitsExcept=MEMLOCK
NodeName=h[1-$count] CPUs=$cores Boards=1 SocketsPerBoard=1 CoresPerSocket=$cores ThreadsPerCore=1 RealMemory=$memory State=UNKNOWN
PartitionName=main Nodes=h[1-$count] Default=YES MaxTime=60:00 State=UP PriorityTier=1 GraceTime=30
PartitionName=urgent Nodes=h[1-$count] MaxTime=60:00 State=UP PriorityTier=2
END
}

up() {
  local count=$1 cores=${2:-$(nproc)} host
  "$hosts" up "$count"
  mkdir -p "$state/state" "$state/local"
  configuration "$count" "$cores" >"$state/slurm.conf"
  # The hosts share this machine's files, and PMIx wants a folder that is a node's own.
  echo "PMIxCliTmpDirBase=$state/local" >"$state/mpi.conf"
  (umask 077 && head -c 1024 /dev/urandom >"$state/munge.key")
  # One for all hosts: its socket is a file.
  munged --force --key-file="$state/munge.key" --socket="$state/munge.socket" \
    --pid-file="$state/munged.pid" --log-file="$state/munged.log" --seed-file="$state/munge.seed" \
    >"$state/munged.start" 2>&1 </dev/null
  on h1 slurmctld </dev/null >"$state/slurmctld.start" 2>&1
  for ((host = 1; host <= count; host++)); do
    mkdir -p "$state/spool.h$host"
    "$hosts" run "h$host" mount -t tmpfs -o size=64m tmpfs "$state/local"
    on "h$host" slurmd -N "h$host" </dev/null >"$state/slurmd.h$host.start" 2>&1
  done
  for ((tries = 0; tries < 150; tries++)); do
    if [ "$(on h1 sinfo -h -N -p main -o %t 2>/dev/null | grep -c '^idle$')" = "$count" ]; then
      return 0
    fi
    sleep 0.1
  done
  echo "slurm-cluster.sh: the nodes did not come up" >&2
  on h1 sinfo >&2 || true
  tail -n 20 "$state"/*.log >&2
  down
  return 1
}

down() {
  on h1 scancel --full -u root >/dev/null 2>&1 || true
  local file
  for file in "$state"/slurmctld.pid "$state"/slurmd.*.pid "$state"/munged.pid; do
    if [ -s "$file" ]; then kill "$(cat "$file")" 2>/dev/null || true; fi
  done
  sleep 0.3
  "$hosts" down || true
  rm -rf "$state"
}

case ${1:-} in
  up) up "${2:?how many nodes?}" "${3:-}" ;;
  run) shift && on h1 "$@" ;;
  down) down ;;
  *) sed -n '2,/^set/s/^# \{0,1\}//p' "$0" >&2 && exit 64 ;;
esac
