#!/usr/bin/env bash
# What many keys cost: 20,000,000 keys of 256 bytes on one node that may hold 1 GiB of memory (a control group: files in the page cache count),
# beside 100,000 keys on another node under the same limit, in interleaved rounds. Then the longest stall while history is compacted,
# and the time of a restart after kill -9. etcd the same, as far as it gets. Needs root (for the control group), etcd, curl, python3, the .NET SDK.
#   eng/bench-size.sh [keys: 20000000] [memory, MiB: 1024] [seconds per round: 10] [rounds: 3] [servers: "quorate etcd"]
# FILL_SECONDS (3600) ends the filling, STALL_SECONDS (60) is how long requests run beside the compaction.
set -euo pipefail
cd "$(dirname "$0")/.."
keys=${1:-20000000} memory_limit=$((${2:-1024} << 20)) seconds=${3:-10} rounds=${4:-3} servers=${5:-quorate etcd}
small_keys=100000
if ((keys < small_keys)); then small_keys=$keys; fi
quota=$((32 << 30))
BENCH_QUORATE_FLAGS="--quota-backend-bytes $quota ${BENCH_QUORATE_FLAGS:-}" BENCH_ETCD_FLAGS="--quota-backend-bytes $quota ${BENCH_ETCD_FLAGS:-}"
. eng/bench-lib.sh
big_url="http://127.0.0.1:$port" small_url="http://127.0.0.1:$((port + 20))"

revision() { api "$1" /v3/kv/range '{"key":"AA==","serializable":true}' | python3 -c 'import json, sys; print(json.load(sys.stdin)["header"]["revision"])'; }

# fill URL KEYS: each key once; prints how many are there at the end, as an empty server's revision is 1.
fill() {
  timeout "${FILL_SECONDS:-3600}" dotnet "$BENCH_DLL" bench put --distribution sequential --keys "$2" --total "$2" --warm-up 0 --clients 256 --connections 4 \
    --endpoints "$1" --format json >"$work/fill.json" 2>>"$work/fill.log" &
  local load=$! last=1 now
  pids+=("$load")
  while kill -0 "$load" 2>/dev/null; do
    now=$(revision "$1" 2>/dev/null) && last=$now
    sleep 1
  done
  wait "$load" || true
  unset 'pids[-1]'
  now=$(revision "$1" 2>/dev/null) && last=$now
  echo $((last - 1))
}

# median FILE...: "requests per second | p50, p99" of several results; errors and misses are told.
median() {
  python3 - "$@" <<'PYTHON'
import json, statistics, sys
rs = [json.load(open(f)) for f in sys.argv[1:]]
wrong = sum(sum(r["errors"].values()) + sum(r["misses"].values()) for r in rs)
m = lambda f: statistics.median(f(r) for r in rs)
p50, p99 = (m(lambda r: r["latencyMilliseconds"][p]) for p in ("p50", "p99"))
print(f"{m(lambda r: r['requestsPerSecond']):,.0f} | {p50:.2f}, {p99:.2f}" + (f" ({wrong} errors)" if wrong else ""))
PYTHON
}

measure() { # KIND KEYS_THERE
  local load clients round side url count
  for load in put get; do
    for clients in 1 64; do
      local fill=(--skip-fill)
      [ "$load" = get ] || fill=()
      for ((round = 1; round <= rounds; round++)); do
        local sides="small big"
        ((round % 2)) || sides="big small"
        for side in $sides; do
          url=$small_url count=$small_keys
          [ "$side" = small ] || { url=$big_url; count=$2; }
          quorate bench "$load" "${fill[@]}" --keys "$count" --clients "$clients" --seconds "$seconds" --warm-up 1 --format json \
            --endpoints "$url" >"$work/$side-$round.json" || true
        done
      done
      echo "| $1 | $load | $clients | $(median "$work"/small-*.json) | $(median "$work"/big-*.json) |"
    done
  done
}

# Requests at a rate that leaves room, their latency counted from the plan, while all history is compacted; and without, for contrast.
# A tenth of the keys has been written again before, so that there is history. The longest of them is the stall.
stall() {
  local kind=$1 count=$2 what
  quorate bench put --keys "$count" --total $((count / 10)) --warm-up 0 --clients 256 --connections 4 --endpoints "$big_url" --format json >/dev/null || true
  for what in quiet compacting; do
    quorate bench put --keys "$count" --rate 200 --clients 64 --seconds "${STALL_SECONDS:-60}" --warm-up 1 --endpoints "$big_url" --format json >"$work/put.json" &
    local puts=$!
    quorate bench get --skip-fill --keys "$count" --rate 200 --clients 64 --seconds "${STALL_SECONDS:-60}" --warm-up 1 --endpoints "$big_url" --format json >"$work/get.json" &
    local gets=$!
    sleep 4
    [ "$what" = quiet ] || api "$big_url" /v3/kv/compaction "{\"revision\":\"$(revision "$big_url")\"}" >/dev/null || true
    wait "$puts" || true
    wait "$gets" || true
    echo "| $kind, $what | $(longest "$work/put.json") | $(longest "$work/get.json") |"
  done
}

longest() {
  python3 - "$1" <<'PYTHON'
import json, sys
r = json.load(open(sys.argv[1]))
l = r["latencyMilliseconds"]
wrong = sum(r["errors"].values()) + sum(r["misses"].values())
print(f"{l['p99']:.1f}, {l['p999']:.1f}, {l['max']:.1f}" + (f" ({wrong} errors)" if wrong else ""))
PYTHON
}

for kind in $servers; do
  start_node "$kind" "$kind-big" "$port" $((port + 10)) 0 "n0=http://127.0.0.1:$((port + 10))"
  big=${pids[-1]}
  start_node "$kind" "$kind-small" $((port + 20)) $((port + 30)) 0 "n0=http://127.0.0.1:$((port + 30))"
  wait_ready "$big_url" 60 >/dev/null
  wait_ready "$small_url" 60 >/dev/null
  fill "$small_url" "$small_keys" >/dev/null
  begin=$(date +%s)
  there=$(fill "$big_url" "$keys")
  echo "## $kind: $there of $keys keys after $(($(date +%s) - begin)) s"
  echo
  if ! kill -0 "$big" 2>/dev/null || ! wait_ready "$big_url" 60 >/dev/null || ((there < small_keys)); then
    echo "It does not answer any more: $(kill -0 "$big" 2>/dev/null && echo 'the process lives' || echo 'the process has ended, for want of memory or else')."
    tail -n 3 "$work/$kind-big.log" | cut -c1-200
    stop_servers KILL
    continue
  fi
  echo "| server | operation | clients | /s of $small_keys keys | p50, p99 ms | /s of $there keys | p50, p99 ms |"
  echo "| --- | --- | --- | --- | --- | --- | --- |"
  measure "$kind" "$there"
  echo
  echo "| 200 requests a second of each | put: p99, p99.9, longest ms | get: p99, p99.9, longest ms |"
  echo "| --- | --- | --- |"
  stall "$kind" "$there"
  echo
  echo "Memory: $(memory "$big" | sed 's/ / MiB resident, of it /') MiB anonymous. On disk: $(du -sm "$work/$kind-big" | cut -f1) MiB."
  kill -KILL "$big"
  wait "$big" 2>/dev/null || true
  start_node "$kind" "$kind-big" "$port" $((port + 10)) 0 "n0=http://127.0.0.1:$((port + 10))"
  echo "Restart after kill -9 until the first linearizable read: $(wait_ready "$big_url" 600) ms."
  echo
  stop_servers KILL
  rm -rf "$work/$kind-big" "$work/$kind-small"
done
