#!/usr/bin/env bash
# What Raft groups cost: one node with 1, 10, 100 and 1,000 keyspaces besides the default one, each a group of its own; idle, then with puts
# of 64 clients spread over all of them. Needs curl, python3 and the .NET SDK.
#   eng/bench-groups.sh [seconds: 10] [numbers of keyspaces: "1 10 100 1000"]
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:-10} numbers=${2:-1 10 100 1000}
. eng/bench-lib.sh
url="http://127.0.0.1:$port"

# ticks PID: hundredths of a second of CPU that it has used. The name of the process, in brackets, may have spaces.
ticks() { sed 's/.*) //' "/proc/$1/stat" | awk '{print $12 + $13}'; }

echo "| keyspaces | created in s | idle: CPU % | MiB resident, anonymous | 64 clients: puts /s | p50, p99 ms | CPU % | us CPU per put | MiB resident, anonymous |"
echo "| --- | --- | --- | --- | --- | --- | --- | --- | --- |"
for number in $numbers; do
  start_node quorate "groups-$number" "$port" $((port + 10)) 0 "n0=http://127.0.0.1:$((port + 10))"
  pid=${pids[-1]}
  wait_ready "$url" 60 >/dev/null
  begin=$(date +%s%N)
  for ((i = 1; i <= number; i++)); do api "$url" /v3/keyspace/create "{\"name\":\"bench-$i\"}" >/dev/null; done
  created=$((($(date +%s%N) - begin) / 100000000))
  # All keyspaces answer, and what is compiled for them is, before anything counts.
  quorate bench put --keyspaces "$number" --clients 64 --seconds "$seconds" --warm-up 2 --endpoints "$url" >/dev/null
  sleep 5
  before=$(ticks "$pid")
  sleep "$seconds"
  idle=$(($(ticks "$pid") - before)) idle_memory=$(memory "$pid" | sed 's/ /, /')
  before=$(ticks "$pid")
  quorate bench put --keyspaces "$number" --clients 64 --seconds "$seconds" --warm-up 0 --endpoints "$url" --format json >"$work/result.json"
  python3 - "$work/result.json" "$seconds" "$number" "$created" "$idle" "$idle_memory" $(($(ticks "$pid") - before)) "$(memory "$pid" | sed 's/ /, /')" <<'PYTHON'
import json, sys
path, seconds, number, created, idle, idle_memory, busy, memory = sys.argv[1:]
r = json.load(open(path))
l, errors = r["latencyMilliseconds"], sum(r["errors"].values())
print(f"| {number} | {int(created) / 10:.1f} | {int(idle) / float(seconds):.1f} | {idle_memory} | {r['requestsPerSecond']:,.0f}{f' ({errors} errors)' if errors else ''} "
      f"| {l['p50']:.2f}, {l['p99']:.2f} | {int(busy) / r['seconds']:.0f} | {int(busy) * 10_000 / max(1, r['requests']):.0f} | {memory} |", flush=True)
PYTHON
  stop_servers
done
