using System.Collections.Immutable;
using Quorate.Core;
using Quorate.Node;
using Quorate.Node.Logging;
using Quorate.Node.Peers;
using Quorate.Replication;
using Quorate.Settings;
using Quorate.StateMachines.KeyValue;

namespace Quorate.Host;

/// <summary>
/// Keeps the node's links as the members of the cluster are: reads them from what the node has applied, and, while it hears no
/// leader, asks its peers: it may have been removed while it was down, or they may have moved.
/// </summary>
internal sealed class PeerTable : IAsyncDisposable
{
    private static readonly TimeSpan LeastPause = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan AskEvery = TimeSpan.FromSeconds(2);

    // Who was removed still has to hear of it, and may have to say what it knows: see "Membership" in Raft's DESIGN.md.
    private static readonly TimeSpan Farewell = TimeSpan.FromSeconds(10);

    private readonly ServerSettings _settings;
    private readonly PeerStreamFactory _streams;
    private readonly INodeLog _log;
    private readonly SemaphoreSlim _changed = new(0, 1);
    private readonly CancellationTokenSource _stop = new();
    private readonly TaskCompletionSource _removed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Dictionary<NodeId, PeerAddress> _addresses = [];
    private readonly Dictionary<NodeId, long> _leaving = [];
    private volatile NodeRuntime? _node;
    private ImmutableArray<RosterMember> _told = [];
    private IDisposable? _subscription;
    private Task _running = Task.CompletedTask;
    private long _leaderSeen = Environment.TickCount64;
    private bool _prefersTold;

    public PeerTable(ServerSettings settings, ImmutableArray<PeerAddress> peers, PeerStreamFactory streams, INodeLog log)
    {
        _settings = settings;
        _streams = streams;
        _log = log;
        foreach (PeerAddress peer in peers) { _addresses[peer.Node] = peer; }
    }

    /// <summary>Completes if this member has been removed from the cluster.</summary>
    public Task Removed => _removed.Task;

    /// <summary>Answers who asks over the peer port; before the node runs, that nothing is known.</summary>
    public byte[] Answer(ReadOnlyMemory<byte> question)
    {
        if (Roster.ReadQuestion(question.Span) is not { } asker || _node is not { } node) { return []; }
        if (OpenView(node) is not { } view) { return []; }
        using (view) { return Roster.Of(node.Cluster, view, asker).Write(); }
    }

    /// <summary>Begins to follow the node.</summary>
    public void Start(NodeRuntime node)
    {
        _node = node;
        _addresses.Remove(node.Node);
        _subscription = node.Subscribe(ServerHost.FirstShard, Wake);
        Refresh(node);
        _running = Task.Run(() => RunAsync(node));
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        _subscription?.Dispose();
        await _stop.CancelAsync();
        await _running;
        _stop.Dispose();
        _changed.Dispose();
    }

    private void Wake()
    {
        if (_changed.CurrentCount > 0) { return; }
        try { _changed.Release(); }
        catch (SemaphoreFullException)
        {
            // Somebody else woke it.
        }
        catch (ObjectDisposedException)
        {
            // The last call of a subscription that has ended.
        }
    }

    private async Task RunAsync(NodeRuntime node)
    {
        try
        {
            while (true)
            {
                await _changed.WaitAsync(AskEvery, _stop.Token);
                try
                {
                    Refresh(node);
                    AskIfLost(node);
                }
                catch (IOException e)
                {
                    // The disk refused a read: links stay as they are until the next time.
                    _log.Write(LogSeverity.Warning, "members-unread", new LogField("reason", e.Message));
                }

                await Task.Delay(LeastPause, _stop.Token); // However often something is applied.
            }
        }
        catch (OperationCanceledException)
        {
            // The server stops.
        }
    }

    private void Refresh(NodeRuntime node)
    {
        if (node.IsRemovedFrom(ServerHost.FirstShard)) { _removed.TrySetResult(); }
        if (OpenView(node) is not { } view) { return; }
        Dictionary<NodeId, MemberRecord?> wanted;
        using (view) { wanted = Wanted(view, _told, _prefersTold); }
        if (wanted.Count == 0) { return; }
        wanted.Remove(node.Node);
        foreach (MemberRecord record in wanted.Values.OfType<MemberRecord>())
        {
            if (ClusterStart.AddressOf(record) is { } address) { SetPeer(node, address); }
        }

        // Without an address of its own a founder keeps the one from the settings.
        long now = Environment.TickCount64;
        foreach (NodeId gone in _addresses.Keys.Where(peer => !wanted.ContainsKey(peer)).ToArray())
        {
            // Groups of keyspaces follow the first shard's; until they have, it is still one of them.
            if (node.Statuses.Any(status => status.Members.Any(member => member.Node == gone))) { continue; }
            if (!_leaving.TryGetValue(gone, out long since)) { _leaving[gone] = now; }
            else if (now - since > Farewell.TotalMilliseconds)
            {
                _log.Write(LogSeverity.Info, "peer-removed", new LogField("peer", gone.Value.ToString("x", null)));
                node.RemovePeer(gone);
                _addresses.Remove(gone);
                _leaving.Remove(gone);
            }
        }
    }

    /// <summary>
    /// Whom to have links to, and what is known of them: the members as of the view, and those that were told of and are not applied
    /// yet. One that joins, or was away for long, may have an old view, and nobody may call it.
    /// </summary>
    /// <param name="view">What the node has applied.</param>
    /// <param name="told">What a peer has answered.</param>
    /// <param name="prefersTold">If both tell of a member, what was told counts.</param>
    internal static Dictionary<NodeId, MemberRecord?> Wanted(IStoreReader view, ImmutableArray<RosterMember> told, bool prefersTold)
    {
        var wanted = new Dictionary<NodeId, MemberRecord?>();
        foreach (ShardMember member in ShardMembers.Read(view)) { wanted[member.Node] = MemberQueries.Find(view, member.Node); }
        foreach (MemberRecord record in told.Select(static member => member.Record))
        {
            var id = new NodeId(record.Id);
            if (!MemberQueries.IsRemoved(view, id) && (prefersTold || wanted.GetValueOrDefault(id) is null)) { wanted[id] = record; }
        }

        return wanted;
    }

    private void SetPeer(NodeRuntime node, PeerAddress address)
    {
        _leaving.Remove(address.Node);
        if (_addresses.TryGetValue(address.Node, out PeerAddress? known) && known == address) { return; }
        _addresses[address.Node] = address;
        _log.Write(
            LogSeverity.Info, "peer-set", new LogField("peer", address.Node.Value.ToString("x", null)),
            new LogField("address", string.Join(',', address.All.Select(static a => $"{a.Host}:{a.Port}"))));
        node.SetPeer(address);
    }

    private void AskIfLost(NodeRuntime node)
    {
        long now = Environment.TickCount64;
        ShardStatus? status = node.StatusOf(ServerHost.FirstShard);
        if (status is { Leader.IsNone: false }) { (_leaderSeen, _prefersTold) = (now, false); }
        if (now - _leaderSeen < 3L * _settings.ElectionMilliseconds) { return; }
        _leaderSeen = now - (3L * _settings.ElectionMilliseconds) + (long)AskEvery.TotalMilliseconds;
        var urls = new List<ServerUrl>();
        foreach (PeerAddress address in _addresses.Values.SelectMany(static address => address.All))
        {
            urls.Add(new ServerUrl($"{(address.IsTls ? "https" : "http")}://{address.Host}:{address.Port}", address.Host, address.Port));
        }

        urls.AddRange(_settings.InitialCluster.Where(m => m.Name != _settings.Name).Select(m => m.PeerUrl));
        foreach (ServerUrl url in urls.DistinctBy(u => u.Text))
        {
            if (_stop.IsCancellationRequested) { return; }
            if (Roster.Ask(_streams, url, node.Node, out _) is not { } roster || roster.Cluster != node.Cluster) { continue; }
            if (roster.AskerWasRemoved) { _removed.TrySetResult(); }
            if (roster.Members.Any(m => m.Record.Id == node.Node.Value))
            {
                // Which of two addresses is the newer one is not known: they are tried in turn.
                (_told, _prefersTold) = (roster.Members, !_prefersTold);
                Refresh(node);
                return;
            }
        }
    }

    private static IReadView? OpenView(NodeRuntime node)
    {
        ValueTask<ReadResult> read = node.ReadAsync(ServerHost.FirstShard, ReadLevel.Local);
        return read.IsCompletedSuccessfully ? read.Result.View : null; // A local view is there at once.
    }
}
