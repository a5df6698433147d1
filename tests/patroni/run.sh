#!/usr/bin/env bash
# Goal: a PostgreSQL cluster that Patroni keeps by Quorate alone (three nodes, JSON gateway) survives kill -9 of its primary, and of the
# next primary together with Quorate's Raft leader, without losing a row that was acknowledged; vip-manager moves the address along.
# usage: run.sh COMMAND...   the command that starts the binary, e.g. `run.sh dotnet .../quorate.dll`; as root, for it installs what is
# missing, and works in network and process namespaces of its own: it takes no port of this machine, and all that it starts ends with it.
# Exit code 0: it held. 77: cannot be tried here; the last line says why. Otherwise the last lines say what failed.
set -uo pipefail
here="$(cd "$(dirname "$0")" && pwd)"
[ $# -gt 0 ] || { echo "usage: run.sh COMMAND..."; exit 2; }

skip() { echo "$*"; exit 77; }

if [ -z "${PATRONI_TEST_INSIDE:-}" ]; then
  [ "$(id -u)" -eq 0 ] || skip "not root: it needs a network namespace, and to start PostgreSQL as another user"
  "$here/install.sh" >&2 || skip "$("$here/install.sh" --check)"
  unshare --net --pid --fork --kill-child --mount-proc true 2>/dev/null || skip "this machine allows no network and process namespaces"
  scratch="$(mktemp -d /tmp/quorate-patroni-XXXXXX)"
  trap 'rm -rf "$scratch"' EXIT
  PATRONI_TEST_INSIDE="$scratch" timeout --foreground 420 \
    unshare --net --pid --fork --kill-child --mount-proc bash "$0" "$@"
  exit $?
fi

. "$here/install.sh"
scratch="$PATRONI_TEST_INSIDE"
vip_manager="$(vip_manager)"
postgres_bin="$(ls -d /usr/lib/postgresql/*/bin | sort -V | tail -n 1)"
cd "$scratch"
chmod 755 "$scratch"
ip link set lo up

# Seconds. Patroni takes no shorter time to live than 20.
ttl=20
loop_wait=1
address=10.77.0.1
quorate=("$@")
urls=http://127.0.0.1:2379,http://127.0.0.1:2479,http://127.0.0.1:2579
declare -A pid

say() { printf '%4ds  %s\n' "$SECONDS" "$*"; }

fail() {
  say "FAILED: $*"
  local log
  for log in *.log; do echo "--- the end of $log"; tail -n 25 "$log"; done
  exit 1
}

# wait_for SECONDS WHAT COMMAND...: until the command succeeds.
wait_for() {
  local limit=$((SECONDS + $1)) what=$2
  shift 2
  until "$@" >/dev/null 2>&1; do
    [ "$SECONDS" -lt "$limit" ] || fail "not within its time: $what"
    sleep 0.2
  done
}

# --- Quorate

start_node() { # 0, 1 or 2
  local client=$((2379 + 100 * $1)) peer=$((2380 + 100 * $1))
  "${quorate[@]}" etcd --name "q$1" --data-dir "$scratch/q$1" --initial-cluster-token patroni --initial-cluster-state new \
    --listen-client-urls "http://127.0.0.1:$client" --advertise-client-urls "http://127.0.0.1:$client" \
    --listen-peer-urls "http://127.0.0.1:$peer" --initial-advertise-peer-urls "http://127.0.0.1:$peer" \
    --initial-cluster q0=http://127.0.0.1:2380,q1=http://127.0.0.1:2480,q2=http://127.0.0.1:2580 >>"q$1.log" 2>&1 &
  pid[q$1]=$!
  disown
}

node_is_ready() { curl -sf -m 2 "http://127.0.0.1:$((2379 + 100 * $1))/readyz"; }

# The node that says of itself that it is the leader.
raft_leader() {
  local node
  for node in 0 1 2; do
    curl -sf -m 2 -X POST -d '{}' "http://127.0.0.1:$((2379 + 100 * node))/v3/maintenance/status" | /usr/bin/python3 -c '
import json, sys
status = json.load(sys.stdin)
sys.exit(status.get("leader") != status["header"]["member_id"])' 2>/dev/null && echo "$node" && return 0
  done
  return 1
}

# --- Patroni and PostgreSQL

port_of() { case $1 in a) echo 5432 ;; b) echo 5433 ;; esac; }

start_patroni() { # a or b
  local port
  port="$(port_of "$1")"
  cat >"$1.yml" <<YML
scope: quorate
name: $1
restapi: {listen: "127.0.0.1:$((port + 2576))", connect_address: "127.0.0.1:$((port + 2576))"}
etcd3: {hosts: "127.0.0.1:2379,127.0.0.1:2479,127.0.0.1:2579"}
bootstrap:
  dcs: {ttl: $ttl, loop_wait: $loop_wait, retry_timeout: 5, synchronous_mode: true, postgresql: {use_pg_rewind: true}}
  initdb: [{encoding: UTF8}, data-checksums]
  pg_hba: [host replication replicator 127.0.0.1/32 md5, host all all 127.0.0.1/32 md5]
postgresql:
  listen: 127.0.0.1:$port
  connect_address: 127.0.0.1:$port
  data_dir: $scratch/$1/data
  bin_dir: $postgres_bin
  pgpass: $scratch/$1/pgpass
  authentication: {replication: {username: replicator, password: repl}, superuser: {username: postgres, password: super}}
  parameters: {unix_socket_directories: "$scratch/$1", shared_buffers: 16MB, max_connections: 20}
YML
  install -d -o postgres -g postgres -m 700 "$1"
  (exec setpriv --reuid=postgres --regid=postgres --init-groups env HOME="$scratch/$1" LC_ALL=C.UTF-8 patroni "$scratch/$1.yml" >>"$1.log" 2>&1) &
  pid[$1]=$!
  disown
}

# kill -9 of Patroni, and of the postmaster with all its children, at once.
kill_postgres() {
  local postmaster
  postmaster="$(head -n 1 "$1/data/postmaster.pid")"
  kill -9 "${pid[$1]}" "$postmaster" $(pgrep -P "$postmaster") 2>/dev/null
}

# What patronictl list says: ROLE STATE of a member.
standing() {
  patronictl -c a.yml list -f json 2>>patronictl.log | /usr/bin/python3 -c '
import json, sys
for member in json.load(sys.stdin):
    if member["Member"] == sys.argv[1]: print(member["Role"], member["State"])' "$1"
}

is_leader() { [ "$(standing "$1")" = "Leader running" ]; }
is_sync_standby() { case "$(standing "$1")" in "Sync Standby running" | "Sync Standby streaming") ;; *) return 1 ;; esac; }
sql() { PGPASSWORD=super "$postgres_bin/psql" -h 127.0.0.1 -p "$(port_of "$1")" -U postgres -XAtqc "$2" postgres; }
rows() { wc -l <acknowledged; }
has_more_rows() { [ "$(rows)" -gt "$1" ]; }

# --- vip-manager: each PostgreSQL has an interface of its own for the address.

start_vip_manager() {
  ip link add "vip$1" type veth peer name "far$1"
  ip link set "vip$1" up
  ip link set "far$1" up
  "$vip_manager" --dcs-type etcd --dcs-endpoints "$urls" --trigger-key /service/quorate/leader --trigger-value "$1" \
    --ip "$address" --netmask 24 --interface "vip$1" --interval 500 >>"vip-$1.log" 2>&1 &
  disown
}

has_address() { ip -o -4 addr show dev "vip$1" | grep -q "$address/"; }
address_is_at() { has_address "$1" && ! has_address "$(other "$1")"; }
other() { case $1 in a) echo b ;; b) echo a ;; esac; }

# After kill -9 of a primary: the other one leads, takes rows and has the address. Patroni promises its time to live, and what its own
# loops and a promotion take.
expect_failover_to() {
  local start=$SECONDS before
  before="$(rows)"
  wait_for $((ttl + 10)) "$1 becomes leader" is_leader "$1"
  say "$1 leads, $((SECONDS - start)) s after the kill"
  wait_for 20 "rows are written again" has_more_rows $((before + 10))
  wait_for 10 "vip-manager moves the address to $1" address_is_at "$1"
  say "$1 takes rows and has the address"
}

for node in 0 1 2; do start_node $node; done
for node in 0 1 2; do wait_for 60 "Quorate's node $node is ready" node_is_ready $node; done
say "three Quorate nodes serve"
start_patroni a
wait_for 60 "PostgreSQL a leads" is_leader a
start_patroni b
wait_for 60 "PostgreSQL b follows in step" is_sync_standby b
say "a leads, b is its synchronous replica"
start_vip_manager a
start_vip_manager b
wait_for 10 "vip-manager gives the address to a" address_is_at a

: >acknowledged
/usr/bin/python3 "$here/writer.py" 5432,5433 acknowledged >writer.log 2>&1 &
writer=$!
wait_for 20 "rows are written" has_more_rows 50

say "kill -9 of PostgreSQL a and its Patroni, after $(rows) rows"
kill_postgres a
expect_failover_to b
start_patroni a
wait_for 60 "a comes back as the synchronous replica" is_sync_standby a
say "a is back, as replica"

node="$(raft_leader)" || fail "no Quorate node says that it leads"
say "kill -9 of PostgreSQL b, its Patroni and Quorate's Raft leader q$node, after $(rows) rows"
kill -9 "${pid[q$node]}"
kill_postgres b
expect_failover_to a
start_node "$node"
start_patroni b
wait_for 60 "Quorate's node $node is back" node_is_ready "$node"
wait_for 60 "b comes back as the synchronous replica" is_sync_standby b
before="$(rows)"
wait_for 20 "rows are written with all back" has_more_rows $((before + 50))
kill "$writer"
wait "$writer" 2>/dev/null
say "all is back"
patronictl -c a.yml list

# Rows that were acknowledged and are not there, on each of the two.
missing_rows() { sql "$1" "SELECT id FROM rows" | sort >"$1.rows"; sort acknowledged | comm -23 - "$1.rows" | wc -l; }
lacks_none() { [ "$(missing_rows "$1")" -eq 0 ]; }
lacks_none a || fail "$(missing_rows a) of $(rows) acknowledged rows are lost: $(sort acknowledged | comm -23 - a.rows | head -n 5 | tr '\n' ' ')"
wait_for 20 "the replica has all rows" lacks_none b
say "$(rows) rows were acknowledged; a and b have them all"
