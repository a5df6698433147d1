#!/usr/bin/env bash
# Measures Quorate's storage engine beside RocksDB on this machine, in interleaved rounds, and prints a table in Markdown.
# Needs db_bench (apt-get install rocksdb-tools), python3 and the .NET SDK. With these defaults it takes 10 minutes; let nothing else run.
#   eng/bench-engine.sh [rounds: 5] [keys: 1000000] [seconds of the synced writes: 5]
# Both have the same keys (16 bytes), values (256 bytes that a compressor would halve), memtables (64 MiB, 4 may wait), cache (1 GiB, which
# holds all), sizes of levels and files, filters (10 bits a key), two threads for flushes and compactions, and no compression.
set -euo pipefail
cd "$(dirname "$0")/.."
rounds=${1:-5} keys=${2:-1000000} seconds=${3:-5}
memtable=$((64 << 20)) cache=$((1 << 30))
command -v db_bench >/dev/null || { echo "db_bench is missing: apt-get install rocksdb-tools" >&2; exit 1; }
dotnet build src/Quorate -c Release -v quiet >&2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# What is named twice is run twice and counts once, the second time: .NET compiles its hot paths anew while it runs, and reads are to
# find everything in the cache.
workloads=fillrandom,fillrandom,overwrite,waitforcompaction,readrandom,readrandom,seekrandom,seekrandom

ours() { # ROUND NAME WORKLOADS THREADS SYNC SECONDS
  local sync=()
  [ "$5" = 0 ] || sync=(--sync)
  dotnet src/Quorate/bin/Release/net10.0/quorate.dll bench engine "$3" --dir "$work/data" --num "$keys" --key-size 16 --value-size 256 \
    --mem-table-bytes "$memtable" --cache-bytes "$cache" --threads "$4" "${sync[@]}" --seconds "$6" --format json >"$work/ours-$2-$1"
}

theirs() { # the same
  db_bench --benchmarks="$3" --db="$work/data" --num="$keys" --key_size=16 --value_size=256 --write_buffer_size="$memtable" \
    --max_write_buffer_number=5 --cache_size="$cache" --bloom_bits=10 --compression_type=none --target_file_size_base=$((16 << 20)) \
    --max_bytes_for_level_base=$((64 << 20)) --max_background_jobs=2 --histogram=1 --threads="$4" --sync="$5" --duration="$6" \
    >"$work/theirs-$2-$1" 2>/dev/null
}

for ((round = 1; round <= rounds; round++)); do
  # Who is first alternates, so that a machine that gets slower or faster favours neither.
  sides=(ours theirs)
  ((round % 2)) || sides=(theirs ours)
  for side in "${sides[@]}"; do
    "$side" "$round" one "$workloads" 1 0 0
    rm -rf "$work/data"
    sync
  done
  for side in "${sides[@]}"; do
    "$side" "$round" synced fillrandom,fillrandom 64 1 "$seconds"
    rm -rf "$work/data"
    sync
  done
  echo "round $round of $rounds" >&2
done

python3 - "$work" "$rounds" <<'PYTHON'
import json, re, statistics, sys
work, rounds = sys.argv[1], int(sys.argv[2])

def ours(run):
    found = json.load(open(run))["workloads"]
    return {w["workload"]: (w["operationsPerSecond"], w["latencyMicroseconds"]["p50"], w["latencyMicroseconds"]["p99"]) for w in found}

def theirs(run):
    result, name = {}, None
    for line in open(run, errors="replace"):
        if m := re.match(r"(\w+)\s*:.* (\d+) ops/sec", line): name, speed = m[1], float(m[2])
        if (m := re.match(r"Percentiles: P50: ([\d.]+) .*P99: ([\d.]+)", line)) and name:
            result[name] = (speed, float(m[1]), float(m[2]))
    return result

print("| workload | threads | Quorate /s | p50, p99 us | RocksDB /s | p50, p99 us | ratio | spread of rounds |")
print("| --- | --- | --- | --- | --- | --- | --- | --- |")
for run, threads, names in [("one", 1, ["fillrandom", "overwrite", "readrandom", "seekrandom"]), ("synced", 64, ["fillrandom"])]:
    a = [ours(f"{work}/ours-{run}-{i + 1}") for i in range(rounds)]
    b = [theirs(f"{work}/theirs-{run}-{i + 1}") for i in range(rounds)]
    for name in names:
        x, y = ([tuple(r[name]) for r in side] for side in (a, b))
        median = lambda rows, column: statistics.median(row[column] for row in rows)
        ratios = [p[0] / q[0] for p, q in zip(x, y)]
        print(f"| {name}{', synced' if run == 'synced' else ''} | {threads} | {median(x, 0):,.0f} | {median(x, 1):.1f}, {median(x, 2):.1f} "
              f"| {median(y, 0):,.0f} | {median(y, 1):.1f}, {median(y, 2):.1f} | **{median(x, 0) / median(y, 0):.2f}** "
              f"| {min(ratios):.2f} to {max(ratios):.2f} |")
PYTHON
