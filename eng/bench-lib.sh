# What the scripts that start servers to measure them have in common; to be sourced. Servers listen on ports from $PORT (23600) on.
# BENCH_DLL names a build to use; else this tree is built. BENCH_QUORATE_FLAGS and BENCH_ETCD_FLAGS are given to every server.
port=${PORT:-23600}
if [ -z "${BENCH_DLL:-}" ]; then
  dotnet build src/Quorate -c Release -v quiet >&2
  BENCH_DLL=src/Quorate/bin/Release/net10.0/quorate.dll
fi
quorate() { dotnet "$BENCH_DLL" "$@"; }
work=$(mktemp -d)
pids=()

stop_servers() {
  local pid
  for pid in "${pids[@]}"; do kill -"${1:-TERM}" "$pid" 2>/dev/null || true; done
  for pid in "${pids[@]}"; do wait "$pid" 2>/dev/null || true; done
  pids=()
}

finish() {
  stop_servers
  rmdir /sys/fs/cgroup/quorate-bench-$$-* /sys/fs/cgroup/memory/quorate-bench-$$-* 2>/dev/null || true
  rm -rf "$work"
}
trap finish EXIT

# start_node KIND DATA_NAME CLIENT_PORT PEER_PORT NUMBER CLUSTER: starts one process; its id is the last of pids.
# With $memory_limit (bytes) set it may not hold more memory than that, files in the page cache included.
start_node() {
  local url="http://127.0.0.1:$3" peer="http://127.0.0.1:$4" program
  local flags=(--name "n$5" --data-dir "$work/$2" --listen-client-urls "$url" --advertise-client-urls "$url"
    --listen-peer-urls "$peer" --initial-advertise-peer-urls "$peer" --initial-cluster "$6")
  if [ "$1" = etcd ]; then
    program=(etcd "${flags[@]}" ${BENCH_ETCD_FLAGS:-})
  else
    program=(dotnet "$BENCH_DLL" etcd "${flags[@]}" ${BENCH_QUORATE_FLAGS:-})
  fi
  (
    if [ -n "${memory_limit:-}" ]; then join_limited_group "$memory_limit" "$2"; fi
    exec "${program[@]}"
  ) >>"$work/$2.log" 2>&1 &
  pids+=($!)
}

# The calling process, and what it becomes, in a control group of its own with a limit; needs root. Without cgroups: limits of the
# process (its data) and of .NET's heap, which count less than a control group does.
join_limited_group() {
  local dir
  for dir in /sys/fs/cgroup/memory /sys/fs/cgroup; do
    [ -e "$dir/memory.limit_in_bytes" ] || [ -e "$dir/cgroup.controllers" ] || continue
    mkdir -p "$dir/quorate-bench-$$-$2" 2>/dev/null || continue
    if { echo "$1" >"$dir/quorate-bench-$$-$2/memory.limit_in_bytes" || echo "$1" >"$dir/quorate-bench-$$-$2/memory.max"; } 2>/dev/null; then
      echo "$BASHPID" >"$dir/quorate-bench-$$-$2/cgroup.procs" && return 0
    fi
    rmdir "$dir/quorate-bench-$$-$2" 2>/dev/null || true
  done
  echo "no control groups here: limited by ulimit -d and DOTNET_GCHeapHardLimit instead" >&2
  ulimit -d $(($1 / 1024))
  export DOTNET_GCHeapHardLimit
  DOTNET_GCHeapHardLimit=$(printf '%x' $(($1 * 3 / 4)))
}

# start_cluster KIND FIRST_CLIENT_PORT FIRST_PEER_PORT NODES: starts the nodes; their URLs are in $urls afterwards.
start_cluster() {
  local i cluster=""
  urls=""
  for ((i = 0; i < $4; i++)); do cluster+="${cluster:+,}n$i=http://127.0.0.1:$(($3 + i))"; done
  for ((i = 0; i < $4; i++)); do
    start_node "$1" "$1-$4-$i" $(($2 + i)) $(($3 + i)) "$i" "$cluster"
    urls+="${urls:+,}http://127.0.0.1:$(($2 + i))"
  done
}

# api URL PATH JSON: a call of the JSON gateway; prints the answer, fails if there is none.
api() { curl -fsS -m 20 "$1$2" -d "$3"; }

# wait_ready URL SECONDS: until a linearizable read is answered; prints the milliseconds that took.
wait_ready() {
  local begin now
  begin=$(date +%s%N)
  until curl -fs -m 1 "$1/v3/kv/range" -d '{"key":"AA=="}' >/dev/null 2>&1; do
    now=$(date +%s%N)
    if ((now - begin > $2 * 1000000000)); then echo "$1 is not ready after $2 s" >&2; return 1; fi
    sleep 0.02
  done
  echo $((($(date +%s%N) - begin) / 1000000))
}

# memory PID: resident MiB, and of it MiB that are no mapped files.
memory() { awk '/^VmRSS/ {rss = $2} /^RssAnon/ {anon = $2} END {printf "%d %d\n", rss / 1024, anon / 1024}' "/proc/$1/status"; }
