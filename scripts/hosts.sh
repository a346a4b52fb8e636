#!/usr/bin/env bash
# Emulated hosts on this machine, to see what a program does when one is cut off: each has a network
# and a host name of its own, h1 to hN, and they are joined by a bridge. Needs root, unshare
# (util-linux) and ip (iproute2). Files and the process table are shared with this machine.
#
#   scripts/hosts.sh up N             make the hosts h1 … hN with the addresses 10.99.0.1 … N
#   scripts/hosts.sh run HOST CMD…    run CMD there
#   scripts/hosts.sh cut HOST         pull its network cable
#   scripts/hosts.sh mend HOST        plug it in again
#   scripts/hosts.sh ps HOST          the processes there: number and name
#   scripts/hosts.sh down             kill everything on the hosts and remove them
#   scripts/hosts.sh HOST CMD…        what mpirun calls in place of ssh; HOST may be an address
#
# mpirun from h1 over two of them:
#   scripts/hosts.sh run h1 mpirun --mca plm_rsh_agent scripts/hosts.sh --host h1,h2 --bind-to none …
# Their state is in HOSTS_DIR, which tells sets of hosts apart; the default serves one set.
set -euo pipefail

state=${HOSTS_DIR:-${TMPDIR:-/tmp}/disttrain-hosts}
network=10.99.0

# The process that keeps a host's namespaces alive; a host is named by h2 or by its address.
keeper() {
  local name=${1/#$network./h}
  if [ ! -s "$state/$name" ]; then
    echo "hosts.sh: there is no host $1" >&2
    return 255
  fi
  cat "$state/$name"
}

enter() {
  local process
  process=$(keeper "$1")
  shift
  # Another mount namespace begins in its root.
  exec nsenter --target "$process" --net --uts --mount -- \
    sh -c 'cd "$0" && exec "$@"' "$PWD" "$@"
}

# Processes whose network is that of the host, without its keeper.
processes() {
  local keeper own
  keeper=$(keeper "$1")
  own=$(readlink "/proc/$keeper/ns/net" | tr -dc 0-9)
  find /proc/[0-9]*/ns/net -maxdepth 0 -lname "net:\[$own\]" 2>/dev/null |
    cut -d/ -f3 | grep -vx "$keeper" || true
}

up() {
  local count=$1 host process names
  mkdir -p "$state"
  if [ -n "$(ls "$state")" ]; then
    echo "hosts.sh: hosts are up already ($state)" >&2
    return 1
  fi
  { echo "127.0.0.1 localhost"
    for ((host = 1; host <= count; host++)); do echo "$network.$host h$host"; done
  } >"$state/names"
  names=$state/names
  for ((host = 0; host <= count; host++)); do
    # h0 holds only the bridge, so that nothing appears among this machine's own networks. Open
    # descriptors, such as a lock of the caller, must not live on in the keeper.
    (for fd in /proc/self/fd/*; do
       fd=${fd##*/}
       if [ "$fd" -gt 2 ]; then eval "exec $fd>&-"; fi
     done 2>/dev/null
     exec unshare --net --uts --mount sh -c '
       mount --bind "$2" /etc/hosts && hostname "$1" && ip link set lo up &&
         echo $$ >"$3/$1" && exec sleep infinity' sh "h$host" "$names" "$state"
    ) </dev/null >/dev/null 2>"$state/errors" &
    for ((tries = 0; tries < 500; tries++)); do
      if [ -s "$state/h$host" ]; then break; fi
      sleep 0.01
    done
    if [ ! -s "$state/h$host" ]; then
      echo "hosts.sh: this machine lets us make no host: $(cat "$state/errors")" >&2
      down
      return 1
    fi
  done
  (enter h0 ip link add bridge type bridge)
  (enter h0 ip link set bridge up)
  for ((host = 1; host <= count; host++)); do
    process=$(keeper "h$host")
    (enter h0 ip link add "port$host" type veth peer name eth0 netns "$process")
    (enter h0 ip link set "port$host" master bridge up)
    (enter "h$host" ip address add "$network.$host/24" dev eth0)
    (enter "h$host" ip link set eth0 up)
  done
}

down() {
  local host keeper
  for host in "$state"/h[0-9]*; do
    if [ -s "$host" ]; then
      keeper=$(cat "$host")
      # shellcheck disable=SC2046
      kill -9 $(processes "${host##*/}") "$keeper" 2>/dev/null || true
    fi
  done
  rm -rf "$state"
}

case ${1:-} in
  up) up "${2:?how many hosts?}" ;;
  run) shift && enter "$@" ;;
  cut) enter h0 ip link set "port${2#h}" down ;;
  mend) enter h0 ip link set "port${2#h}" up ;;
  ps) for process in $(processes "$2"); do
        echo "$process $(cat "/proc/$process/comm" 2>/dev/null || true)"
      done ;;
  down) down ;;
  h[0-9]* | "$network".*) host=$1 && shift && enter "$host" sh -c "$*" ;;
  *) sed -n '2,/^set/s/^# \{0,1\}//p' "$0" >&2 && exit 64 ;;
esac
