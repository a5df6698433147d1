using System.Collections.Immutable;
using System.Net;
using System.Text;
using Quorate.Core;
using Quorate.Node;
using Quorate.Node.Peers;
using Quorate.Raft;
using Quorate.Replication;
using Quorate.Storage.Wal;
using Xunit;

namespace Quorate.Tests.Node;

// The least that shows what was applied: "key value" sets, the reply is the value before.
internal sealed class RegisterMachine : IStateMachine
{
    public void Open(IStoreReader store)
    {
    }

    public void Apply(in CommittedCommand command, IStoreWriter store, ByteWriter reply)
    {
        int space = command.Payload.IndexOf((byte)' ');
        if (space < 1) { return; }
        if (store.TryGet(command.Payload[..space], out ReadOnlySpan<byte> old)) { reply.Raw(old); }
        store.Put(command.Payload[..space], command.Payload[(space + 1)..]);
    }

    public void Finish(IStoreWriter store)
    {
    }

    public int FilterPrefixLength(ReadOnlySpan<byte> key) => key.Length;

    public ICompactionFilter? CreateCompactionFilter(IStoreReader store) => null;

    public ulong HashState(IStoreReader store)
    {
        ulong hash = 17;
        using ICursor cursor = store.OpenCursor([1], default);
        for (bool any = cursor.SeekFirst(); any; any = cursor.Next())
        {
            hash = (hash * 31) ^ Crc32C.Append(Crc32C.Compute(cursor.Key), cursor.Value);
        }

        return hash;
    }
}

// Runs real nodes in this process, each on its own temporary directory and a free port.
internal sealed class Nodes : IDisposable
{
    public static readonly ShardId Shard = new(1);

    private readonly int _count;
    private readonly TempDirectory[] _directories;
    private readonly NodeRuntime?[] _nodes;

    public Nodes(int count)
    {
        _count = count;
        _directories = [.. Enumerable.Range(0, count).Select(static _ => new TempDirectory())];
        _nodes = new NodeRuntime?[count];
    }

    public RecordingLog Log { get; } = new();

    // Nodes are numbered from 1, as their ids are.
    public NodeRuntime this[int node] => _nodes[node - 1]!;

    public IEnumerable<NodeRuntime> Running => _nodes.OfType<NodeRuntime>();

    public string DirectoryOf(int node) => _directories[node - 1].Path;

    public NodeRuntimeOptions Options(int node) => new()
    {
        DataDirectory = DirectoryOf(node),
        Peer = new PeerOptions
        {
            Listen = new IPEndPoint(IPAddress.Loopback, 0),
            PingInterval = TimeSpan.FromMilliseconds(50),
            IdleTimeout = TimeSpan.FromSeconds(10),
            HandshakeTimeout = TimeSpan.FromSeconds(10),
            ReconnectMost = TimeSpan.FromMilliseconds(100),
        },
        ReserveBytes = 0,
        Node = new NodeConfig
        {
            Cluster = PeerEnd.Cluster,
            Node = new NodeId((ulong)node),
            Bootstrap =
            [
                new ShardDescriptor(Shard, Machine: 1, [.. Enumerable.Range(1, _count).Select(
                    static i => new ReplicaPlace(new ReplicaId((ulong)i), new NodeId((ulong)i)))]),
            ],
            Machines = static (_, id) => id == 1 ? new RegisterMachine() : null,
            Raft = new RaftOptions { HeartbeatTicks = 5, ElectionTicks = 40 },
            Wal = new WalOptions { SegmentBytes = 1024 * 1024 },
        },
    };

    public NodeRuntime Start(
        int node, Func<NodeRuntimeOptions, NodeRuntimeOptions>? change = null, NodeSurroundings? surroundings = null)
    {
        NodeRuntimeOptions options = Options(node);
        NodeRuntime started = NodeRuntime.Start(change?.Invoke(options) ?? options, Log, surroundings);
        _nodes[node - 1] = started;
        for (int i = 1; i <= _count; i++)
        {
            // Whoever is not up yet is given a port where nobody listens; it is corrected when it starts.
            if (i == node) { continue; }
            started.SetPeer(new PeerAddress(new NodeId((ulong)i), "127.0.0.1", _nodes[i - 1]?.PeerEndPoint.Port ?? 1));
            _nodes[i - 1]?.SetPeer(new PeerAddress(new NodeId((ulong)node), "127.0.0.1", started.PeerEndPoint.Port));
        }

        return started;
    }

    public Nodes StartAll()
    {
        for (int node = 1; node <= _count; node++) { Start(node); }
        return this;
    }

    public void Stop(int node)
    {
        Assert.True(this[node].StopAsync().Wait(Waiting.Longest), "the node did not stop");
        _nodes[node - 1] = null;
    }

    public void Kill(int node)
    {
        Assert.True(this[node].AbandonAsync().Wait(Waiting.Longest), "the node did not stop");
        _nodes[node - 1] = null;
    }

    public int Leader()
    {
        int leader = 0;
        Waiting.Until(
            () => (leader = (int)(Running.FirstOrDefault(static n => n.StatusOf(Shard)?.Role == Role.Leader)?.Node.Value ?? 0)) != 0, "a leader");
        return leader;
    }

    // Repeats until it is done: setting a register twice is as good as once.
    public string Set(int node, string key, string value)
    {
        ProposeResult result = default;
        Waiting.Until(() => (result = Propose(this[node], $"{key} {value}")).Outcome == RequestOutcome.Done, $"{key} to be set");
        return Encoding.UTF8.GetString(result.Reply.Span);
    }

    public string? Get(int node, string key, ReadLevel level = ReadLevel.Linearizable)
    {
        ReadResult result = default;
        Waiting.Until(() => (result = Read(this[node], level)).Outcome == RequestOutcome.Done, $"{key} to be read");
        using IReadView view = result.View!;
        return view.TryGet(Encoding.UTF8.GetBytes(key), out ReadOnlySpan<byte> value) ? Encoding.UTF8.GetString(value) : null;
    }

    public static ProposeResult Propose(NodeRuntime node, string command) =>
        Result(node.ProposeAsync(Shard, Encoding.UTF8.GetBytes(command), TestContext.Current.CancellationToken).AsTask());

    public static ReadResult Read(NodeRuntime node, ReadLevel level) =>
        Result(node.ReadAsync(Shard, level, TestContext.Current.CancellationToken).AsTask());

    public static T Result<T>(Task<T> task)
    {
        Assert.True(task.Wait(Waiting.Longest), "no answer");
        return task.Result;
    }

    public void Dispose()
    {
        Task.WaitAll([.. Running.Select(static node => node.AbandonAsync())], Waiting.Longest);
        foreach (TempDirectory directory in _directories) { directory.Dispose(); }
    }
}

// The real disk, until it is told to fail.
internal sealed class FailingFiles(IFileSystem inner) : IFileSystem
{
    private int _syncsAfterFailure;

    public Exception? FailSyncsWith { get; set; }

    public int SyncsAfterFailure => Volatile.Read(ref _syncsAfterFailure);

    public IFile Open(string path, OpenMode mode) => new FailingFile(this, inner.Open(path, mode));

    public bool Exists(string path) => inner.Exists(path);

    public IReadOnlyList<string> List(string directory) => inner.List(directory);

    public void CreateDirectory(string path) => inner.CreateDirectory(path);

    public void DeleteDirectory(string path) => inner.DeleteDirectory(path);

    public void Delete(string path) => inner.Delete(path);

    public void Rename(string from, string to) => inner.Rename(from, to);

    public void HardLink(string existing, string added) => inner.HardLink(existing, added);

    public void SyncDirectory(string directory) => inner.SyncDirectory(directory);

    private sealed class FailingFile(FailingFiles files, IFile inner) : IFile
    {
        public string Path => inner.Path;

        public long Length => inner.Length;

        public int Read(long offset, Span<byte> buffer) => inner.Read(offset, buffer);

        public void Write(long offset, ReadOnlySpan<byte> bytes) => inner.Write(offset, bytes);

        public void SetLength(long length) => inner.SetLength(length);

        public void Sync()
        {
            if (files.FailSyncsWith is { } failure)
            {
                Interlocked.Increment(ref files._syncsAfterFailure);
                throw failure;
            }

            inner.Sync();
        }

        public void Dispose() => inner.Dispose();
    }
}
