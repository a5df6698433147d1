#!/usr/bin/env bash
# Measures Quorate beside Debian's etcd on this machine, in interleaved rounds, and prints the table of docs/benchmarks.md.
# Needs etcd (etcd-server), python3 and the .NET SDK. With these defaults it takes 18 minutes; let nothing else run meanwhile.
#   eng/bench-etcd.sh [seconds per round: 5] [rounds: 5]
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:-5} rounds=${2:-5}
dotnet build src/Quorate -c Release -v quiet >&2
quorate() { dotnet src/Quorate/bin/Release/net10.0/quorate.dll "$@"; }
work=$(mktemp -d)
pids=()
finish() {
  for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
  wait || true
  rm -rf "$work"
}
trap finish EXIT

# server KIND FIRST_CLIENT_PORT FIRST_PEER_PORT NODES: starts the nodes; URLs are in $urls afterwards.
server() {
  local kind=$1 client=$2 peer=$3 nodes=$4 i cluster=""
  urls=""
  for ((i = 0; i < nodes; i++)); do cluster+="${cluster:+,}n$i=http://127.0.0.1:$((peer + i))"; done
  for ((i = 0; i < nodes; i++)); do
    local flags=(--name "n$i" --data-dir "$work/$kind-$nodes-$i"
      --listen-client-urls "http://127.0.0.1:$((client + i))" --advertise-client-urls "http://127.0.0.1:$((client + i))"
      --listen-peer-urls "http://127.0.0.1:$((peer + i))" --initial-advertise-peer-urls "http://127.0.0.1:$((peer + i))"
      --initial-cluster "$cluster")
    if [ "$kind" = etcd ]; then
      etcd "${flags[@]}" >"$work/$kind-$nodes-$i.log" 2>&1 &
    else
      dotnet src/Quorate/bin/Release/net10.0/quorate.dll etcd "${flags[@]}" >"$work/$kind-$nodes-$i.log" 2>&1 &
    fi
    pids+=($!)
    urls+="${urls:+,}http://127.0.0.1:$((client + i))"
  done
}

# The same URLs, the leader's first: with one client the first is the one that is asked, and a follower costs a round trip more.
leader_first() {
  quorate status --endpoints "$1" --format json | python3 -c '
import json, sys
urls = sys.argv[1].split(",")
rows = json.load(sys.stdin)
leader = [r["endpoint"].rstrip("/") for r in rows if r.get("isLeader")]
print(",".join(leader + [u for u in urls if u not in leader]))' "$1"
}

echo "| nodes | operation | clients | Quorate /s | p50, p99 ms | etcd /s | p50, p99 ms | ratio | spread of rounds |"
echo "| --- | --- | --- | --- | --- | --- | --- | --- | --- |"
for nodes in 1 3; do
  server quorate 23790 23800 "$nodes"; ours=$urls
  server etcd 23690 23700 "$nodes"; theirs=$urls
  sleep 6
  ours=$(leader_first "$ours"); theirs=$(leader_first "$theirs")
  # So that both answer from warm code: .NET compiles its hot paths anew while it runs.
  quorate bench put --clients 64 --seconds 10 --endpoints "$ours" >/dev/null
  quorate bench get --clients 64 --seconds 10 --endpoints "$ours" >/dev/null
  for operation in "put" "get" "get --serializable"; do
    for clients in 1 64 256; do
      # shellcheck disable=SC2086
      quorate bench $operation --clients "$clients" --seconds "$seconds" --warm-up 1 --rounds "$rounds" --format json \
        --endpoints "$ours" --compare "$theirs" >"$work/result.json"
      python3 - "$nodes" "$operation" "$clients" "$work/result.json" <<'PYTHON'
import json, sys
nodes, operation, clients, path = sys.argv[1:]
r = json.load(open(path))
a, b = r["medianA"], r["medianB"]
ratios = [x["requestsPerSecond"] / max(1e-9, y["requestsPerSecond"]) for x, y in zip(r["roundsA"], r["roundsB"])]
errors = sum(sum(x["errors"].values()) for x in r["roundsA"] + r["roundsB"])
name = {"put": "put", "get": "get, linearizable", "get --serializable": "get, serializable"}[operation]
print(f"| {nodes} | {name} | {clients} | {a['requestsPerSecond']:,.0f} | {a['p50']:.2f}, {a['p99']:.2f} "
      f"| {b['requestsPerSecond']:,.0f} | {b['p50']:.2f}, {b['p99']:.2f} | **{r['throughputRatio']:.2f}** "
      f"| {min(ratios):.2f} to {max(ratios):.2f}{f', {errors} errors' if errors else ''} |", flush=True)
PYTHON
    done
  done
  for pid in "${pids[@]}"; do
    printf 'memory %s %s\n' "$(tr '\0' ' ' <"/proc/$pid/cmdline" | cut -c1-30)" "$(grep VmRSS "/proc/$pid/status")" >&2
    kill "$pid"
  done
  wait "${pids[@]}" || true
  pids=()
done
