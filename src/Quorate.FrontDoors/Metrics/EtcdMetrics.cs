using System.Globalization;
using Quorate.FrontDoors.Etcd;
using Quorate.Node;
using Quorate.Raft;
using Quorate.Replication;

namespace Quorate.FrontDoors.Metrics;

/// <summary>
/// The page <c>/metrics</c>: under etcd's names what means the same here, so that dashboards and alerts written for etcd go on;
/// what etcd measures and this server does not have (bbolt's commits, Go's memory) is left out. To add one: a line here.
/// </summary>
internal sealed class EtcdMetrics
{
    private readonly EtcdService _service;
    private readonly EtcdServerOptions _options;
    private readonly DoorMeters _meters;

    public EtcdMetrics(EtcdService service, EtcdServerOptions options, DoorMeters meters)
    {
        _service = service;
        _options = options;
        _meters = meters;
    }

    /// <summary>Makes the page.</summary>
    public string Render()
    {
        var page = new MetricsText();
        WriteServer(page);
        WriteStore(page);
        if (_options.Counters?.Invoke() is { } counters) { WriteNode(page, counters); }
        WriteCalls(page);
        ProcessMetrics.Write(page);
        return page.ToString();
    }

    private void WriteServer(MetricsText page)
    {
        ShardStatus? status = _options.Node.StatusOf(_options.Shard);
        page.One("etcd_server_has_leader", "gauge", "Whether or not a leader exists. 1 is existence, 0 is not.", status is { Leader.IsNone: false } ? 1 : 0);
        page.One("etcd_server_is_leader", "gauge", "Whether or not this member is a leader. 1 if is, 0 otherwise.", status is { Role: Role.Leader } ? 1 : 0);
        page.One("etcd_server_is_learner", "gauge", "Whether or not this member is a learner. 1 if is, 0 otherwise.", status is { IsLearner: true } ? 1 : 0);
        page.One("etcd_server_leader_changes_seen_total", "counter", "Leaders seen since the start.", status?.LeaderChanges ?? 0);
        page.One("etcd_server_proposals_committed_total", "gauge", "Index of the last entry that is committed.", status?.Commit.Value ?? 0);
        page.One("etcd_server_proposals_applied_total", "gauge", "Index of the last entry that is applied.", status?.Applied.Value ?? 0);
        page.One("etcd_server_proposals_pending", "gauge", "Writes that clients of this member wait for.", _service.PendingProposals);
        page.One("etcd_server_proposals_failed_total", "counter", "Writes that this member refused or whose outcome it cannot tell.", _service.FailedProposals);
        CheckCounts checks = status?.Checks ?? default;
        page.One("quorate_replica_checks_total", "counter", "Comparisons of the members' states begun since the start.", checks.Rounds);
        page.One("quorate_replica_check_mismatches_total", "counter", "Members whose state was found to differ from that of most.", checks.Mismatches);
        page.One("quorate_replica_check_undecided_total", "counter", "Comparisons in which no majority agreed.", checks.Undecided);
        page.One("quorate_replica_repairs_total", "counter", "Times this member's replica was set aside to be filled anew.", checks.Repairs);
        page.One(
            "etcd_server_id", "gauge", "The member's id, in hexadecimal.", 1,
            ("server_id", _options.Node.Node.Value.ToString("x", CultureInfo.InvariantCulture)));
        page.One("etcd_server_version", "gauge", "The version of etcd whose API is served.", 1, ("server_version", EtcdVersion.Server));
        page.One("etcd_cluster_version", "gauge", "The version of etcd that all members serve.", 1, ("cluster_version", EtcdVersion.Cluster));
        WriteHealth(page);
    }

    private void WriteHealth(MetricsText page)
    {
        IReadOnlyList<(string Page, string Check, long Passed, long Failed, bool Last)> all = _meters.Health.All;
        page.One("etcd_server_health_success", "counter", "Successful checks by /health.", all.Where(c => c.Page == "health").Sum(c => c.Passed));
        page.One("etcd_server_health_failures", "counter", "Failed checks by /health.", all.Where(c => c.Page == "health").Sum(c => c.Failed));
        page.Begin("etcd_server_healthcheck", "gauge", "The last result of each check of /livez and /readyz.");
        foreach ((string type, string name, long _, long _, bool last) in all.Where(c => c.Page != "health"))
        {
            page.Sample("etcd_server_healthcheck", last ? 1 : 0, ("name", name), ("type", type));
        }

        page.Begin("etcd_server_healthchecks_total", "counter", "Checks of /livez and /readyz.");
        foreach ((string type, string name, long passed, long failed, bool _) in all.Where(c => c.Page != "health"))
        {
            page.Sample("etcd_server_healthchecks_total", passed, ("name", name), ("status", "success"), ("type", type));
            page.Sample("etcd_server_healthchecks_total", failed, ("name", name), ("status", "error"), ("type", type));
        }
    }

    private void WriteStore(MetricsText page)
    {
        ShardStatus? status = _options.Node.StatusOf(_options.Shard);
        page.One(
            "quorate_write_pressure", "gauge", "How far flushes and merges are behind: from 0.5 on writes are slowed, from 1 on refused.",
            (status?.WritePressure ?? 0) / 1000.0);
        page.One("quorate_merge_debt_bytes", "gauge", "Bytes that merges have yet to bring to their level.", status?.DebtBytes ?? 0);
        page.One("quorate_flushed_bytes_total", "counter", "Bytes that flushes have written.", status?.FlushedBytes ?? 0);
        page.One("quorate_merged_bytes_total", "counter", "Bytes that merges have written.", status?.MergedBytes ?? 0);
        long bytes = status?.DiskBytes ?? 0;
        page.One("etcd_mvcc_db_total_size_in_bytes", "gauge", "Bytes that the keyspace takes on disk.", bytes);
        page.One("quorate_scrub_bytes_total", "counter", "Bytes of tables that were read in the background and found good.", status?.ScrubbedBytes ?? 0);
        page.One("quorate_scrub_damage_total", "counter", "Tables that were read in the background and not found good.", status?.ScrubDamage ?? 0);
        page.One("etcd_mvcc_db_total_size_in_use_in_bytes", "gauge", "The same: there is no free space within.", bytes);
        if (_options.QuotaBytes > 0) { page.One("etcd_server_quota_backend_bytes", "gauge", "Bytes that the keyspace may take on disk.", _options.QuotaBytes); }
        if (_service.Revisions() is { } revisions)
        {
            page.One("etcd_debugging_mvcc_current_revision", "gauge", "The current revision of this member.", revisions.Current);
            page.One("etcd_debugging_mvcc_compact_revision", "gauge", "The revision of the last compaction; -1 without one.", revisions.Compacted);
        }

        (int all, int synced) = _service.Watches.Counts;
        page.One("etcd_debugging_mvcc_watcher_total", "gauge", "Watches there are.", all);
        page.One("etcd_debugging_mvcc_slow_watcher_total", "gauge", "Watches that have not been told all that happened yet.", all - synced);
        page.One(
            "etcd_debugging_mvcc_watch_stream_total", "gauge", "Streams of watches that are open.",
            _meters.Rpcs["/etcdserverpb.Watch/Watch"].Open);
    }

    private void WriteNode(MetricsText page, NodeCounters counters)
    {
        page.Begin("etcd_disk_wal_fsync_duration_seconds", "histogram", "Time of a write and sync of the log.");
        double[] bounds = [.. Enumerable.Range(0, counters.Syncs.Buckets.Count - 1).Select(i => Math.ScaleB(1, i + 4) / 1e6)];
        page.Histogram("etcd_disk_wal_fsync_duration_seconds", bounds, [.. counters.Syncs.Buckets], counters.Syncs.Total.TotalSeconds);
        page.One("etcd_disk_wal_write_bytes_total", "counter", "Bytes written to the log.", counters.Syncs.Bytes);

        string local = _options.Node.Node.Value.ToString("x", CultureInfo.InvariantCulture);
        Peers(page, counters, "etcd_network_active_peers", "gauge", "Whether a link to the peer stands.",
            (peer, id) => (peer.IsConnected ? 1 : 0, [("Local", local), ("Remote", id)]));
        Peers(page, counters, "etcd_network_peer_sent_bytes_total", "counter", "Bytes sent to the peer.", (peer, id) => (peer.SentBytes, [("To", id)]));
        Peers(page, counters, "etcd_network_peer_received_bytes_total", "counter", "Bytes received from the peer.",
            (peer, id) => (peer.ReceivedBytes, [("From", id)]));
        Peers(page, counters, "etcd_network_peer_sent_failures_total", "counter", "Messages to the peer that were dropped.",
            (peer, id) => (peer.DroppedFrames, [("To", id)]));
        Peers(page, counters, "quorate_peer_queued_bytes", "gauge", "Bytes that wait to be sent to the peer.", (peer, id) => (peer.QueuedBytes, [("To", id)]));

        page.One("quorate_log_sync_queue_bytes", "gauge", "Bytes that wait for the thread that syncs the log.", counters.SyncQueueBytes);
        page.One("quorate_inbox_requests", "gauge", "Requests that wait for the node's loop.", counters.InboxRequests);
        page.One("quorate_jobs_waiting", "gauge", "Flushes, compactions and snapshots that wait for a thread.", counters.JobsWaiting);
        page.One("quorate_jobs_running", "gauge", "Flushes, compactions and snapshots that run.", counters.JobsRunning);
        page.One("quorate_skipped_ticks_total", "counter", "Ticks of 10 ms that the process slept through.", counters.SkippedTicks);
        if (counters.MergeRate != long.MaxValue) { page.One("quorate_merge_limit_bytes", "gauge", "Bytes a second that merges may write; absent: no limit.", counters.MergeRate); }
        page.One("quorate_merge_wait_seconds_total", "counter", "Time that merges have given way to requests.", counters.MergesWaited.TotalSeconds);
        if (counters.FreeBytes >= 0) { page.One("quorate_disk_free_bytes", "gauge", "Room on the disk of the data directory.", counters.FreeBytes); }
        page.One("quorate_disk_nearly_full", "gauge", "1 while writes are refused for want of room on the disk.", counters.DiskNearlyFull ? 1 : 0);
    }

    private static void Peers(
        MetricsText page, NodeCounters counters, string name, string type, string help,
        Func<PeerCounters, string, (double Value, (string Name, string Value)[] Labels)> sample)
    {
        if (counters.Peers.Count == 0) { return; }
        page.Begin(name, type, help);
        foreach (PeerCounters peer in counters.Peers)
        {
            (double value, (string Name, string Value)[] labels) = sample(peer, peer.Peer.Value.ToString("x", CultureInfo.InvariantCulture));
            page.Sample(name, value, labels);
        }
    }

    private void WriteCalls(MetricsText page)
    {
        page.One("etcd_network_client_grpc_received_bytes_total", "counter", "Bytes of messages from clients over gRPC.", _meters.ReceivedBytes);
        page.One("etcd_network_client_grpc_sent_bytes_total", "counter", "Bytes of messages to clients over gRPC.", _meters.SentBytes);
        RpcMeter[] rpcs = [.. _meters.Rpcs.Values.OrderBy(r => r.Service, StringComparer.Ordinal).ThenBy(r => r.Method, StringComparer.Ordinal)];
        Calls("grpc_server_started_total", "RPCs that were begun.", rpc => rpc.StartedCount);
        Calls("grpc_server_msg_received_total", "Messages received.", rpc => rpc.Received);
        Calls("grpc_server_msg_sent_total", "Messages sent.", rpc => rpc.Sent);

        page.Begin("grpc_server_handled_total", "counter", "RPCs that ended, by status.");
        foreach (RpcMeter rpc in rpcs)
        {
            foreach (GrpcStatus status in Enum.GetValues<GrpcStatus>())
            {
                page.Sample("grpc_server_handled_total", rpc.Handled(status), [("grpc_code", status.ToString()), .. Labels(rpc)]);
            }
        }

        if (!_options.MeasuresCalls) { return; }
        page.Begin("grpc_server_handling_seconds", "histogram", "Time that RPCs took.");
        foreach (RpcMeter rpc in rpcs)
        {
            (long[] counts, double sum) = rpc.Times!.Value;
            page.Histogram("grpc_server_handling_seconds", RpcMeter.Bounds, counts, sum, Labels(rpc));
        }

        void Calls(string name, string help, Func<RpcMeter, long> value)
        {
            page.Begin(name, "counter", help);
            foreach (RpcMeter rpc in rpcs) { page.Sample(name, value(rpc), Labels(rpc)); }
        }
    }

    private static (string, string)[] Labels(RpcMeter rpc) => [("grpc_method", rpc.Method), ("grpc_service", rpc.Service), ("grpc_type", rpc.Type)];
}
