#!/usr/bin/env bash
# Measures Quorate beside Debian's etcd on this machine, in interleaved rounds, and prints the tables of docs/benchmarks.md: values of
# 256 bytes, keys of 16 bytes drawn uniformly from 100,000. Needs etcd (etcd-server), curl, python3 and the .NET SDK.
# With these defaults it takes 35 minutes, with "2 3" 15; let nothing else run meanwhile.
#   eng/bench-etcd.sh [seconds per round: 5] [rounds: 5] [parts: "1 3 memory"]
# Parts: one node, three nodes, memory after 1,000,000 keys. KEYS, MEMORY_KEYS, CLIENTS ("1 64 256") and WATCHERS change the sizes.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:-5} rounds=${2:-5} parts=${3:-1 3 memory}
keys=${KEYS:-100000} memory_keys=${MEMORY_KEYS:-1000000} watchers=${WATCHERS:-1000}
read -ra all_clients <<<"${CLIENTS:-1 64 256}"
. eng/bench-lib.sh

# The same URLs, the leader's first: with one client the first is the one that is asked, and a follower costs a round trip more.
leader_first() {
  quorate status --endpoints "$1" --format json | python3 -c '
import json, sys
urls = sys.argv[1].split(",")
rows = json.load(sys.stdin)
leader = [r["endpoint"].rstrip("/") for r in rows if r.get("isLeader")]
print(",".join(leader + [u for u in urls if u not in leader]))' "$1"
}

# row NODES NAME CLIENTS: a line of the table from result.json.
row() {
  python3 - "$@" "$work/result.json" <<'PYTHON'
import json, sys
nodes, name, clients, path = sys.argv[1:]
r = json.load(open(path))
a, b = r["medianA"], r["medianB"]
wrong = sum(sum(x["errors"].values()) + sum(x["misses"].values()) for x in r["roundsA"] + r["roundsB"])
p99 = a["p99"] / max(1e-9, b["p99"])
print(f"| {nodes} | {name} | {clients} | {a['requestsPerSecond']:,.0f} | {a['p50']:.2f}, {a['p99']:.2f} "
      f"| {b['requestsPerSecond']:,.0f} | {b['p50']:.2f}, {b['p99']:.2f} | **{r['throughputRatio']:.2f}** "
      f"| {r['leastRoundRatio']:.2f} to {r['greatestRoundRatio']:.2f}{f', {wrong} errors' if wrong else ''} | {p99:.2f} |", flush=True)
PYTHON
}

speed() {
  local nodes=$1 ours theirs load clients name
  start_cluster quorate "$port" $((port + 10)) "$nodes"; ours=$urls
  start_cluster etcd $((port + 20)) $((port + 30)) "$nodes"; theirs=$urls
  for url in ${ours//,/ } ${theirs//,/ }; do wait_ready "$url" 60 >/dev/null; done
  ours=$(leader_first "$ours"); theirs=$(leader_first "$theirs")
  # All keys are written once. Both answer from warm code afterwards: .NET compiles its hot paths anew while it runs.
  for load in put get txn; do
    quorate bench "$load" --clients 64 --keys "$keys" --seconds "$seconds" --endpoints "$ours" --compare "$theirs" --rounds 1 >/dev/null
  done
  for load in put get "get --serializable" txn; do
    for clients in "${all_clients[@]}"; do
      local fill=(--skip-fill)
      [ "$load" != put ] || fill=()
      # shellcheck disable=SC2086
      quorate bench $load "${fill[@]}" --keys "$keys" --clients "$clients" --seconds "$seconds" --warm-up 1 --rounds "$rounds" --format json \
        --endpoints "$ours" --compare "$theirs" >"$work/result.json"
      case $load in
        get) name="get, linearizable" ;;
        txn) name="txn (compare and put)" ;;
        *) name=${load/ --/, } ;;
      esac
      row "$nodes" "$name" "$clients"
    done
  done
  for clients in 1 8; do
    quorate bench watch --watchers "$watchers" --clients "$clients" --seconds "$seconds" --warm-up 1 --rounds "$rounds" --format json \
      --endpoints "$ours" --compare "$theirs" >"$work/result.json"
    row "$nodes" "events to $watchers watches of a key" "$clients"
  done
  stop_servers
}

# Fresh servers, so that nothing of other loads is counted; half a minute for what is still to be flushed and collected.
memory_after_fill() {
  local kind pid
  echo
  echo "| server | keys | resident MiB | of it anonymous |"
  echo "| --- | --- | --- | --- |"
  for kind in quorate etcd; do
    start_node "$kind" "$kind-memory" "$port" $((port + 10)) 0 "n0=http://127.0.0.1:$((port + 10))"
    pid=${pids[-1]}
    wait_ready "http://127.0.0.1:$port" 60 >/dev/null
    quorate bench put --distribution sequential --keys "$memory_keys" --total "$memory_keys" --warm-up 0 --clients 64 \
      --endpoints "http://127.0.0.1:$port" --format json >"$work/result.json"
    sleep "${SETTLE:-30}"
    echo "| $kind | $(python3 -c 'import json, sys; print(format(json.load(open(sys.argv[1]))["requests"], ","))' "$work/result.json") | $(memory "$pid" | sed 's/ / | /') |"
    stop_servers
  done
}

echo "| nodes | operation | clients | Quorate /s | p50, p99 ms | etcd /s | p50, p99 ms | ratio | spread of rounds | ratio of p99 |"
echo "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |"
for part in $parts; do
  case $part in
    memory) memory_after_fill ;;
    *) speed "$part" ;;
  esac
done
