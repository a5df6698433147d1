using System.Globalization;
using System.Text;
using Quorate.Core;
using Quorate.Storage.Wal;

namespace Quorate.Tests.Storage.Wal;

/// <summary>What a log must hold, kept in the simplest way; it also builds the batches, so that both see the same records.</summary>
internal sealed class WalModel
{
    private readonly SortedDictionary<ulong, Shard> _shards;

    public WalModel() => _shards = [];

    private WalModel(WalModel other) => _shards = new(other._shards.ToDictionary(pair => pair.Key, pair => pair.Value.Clone()));

    public WalModel Clone() => new(this);

    public ulong Last(ulong shard) => _shards.TryGetValue(shard, out Shard? found) ? found.Last : 0;

    public ulong Released(ulong shard) => _shards.TryGetValue(shard, out Shard? found) ? found.Released.Index.Value : 0;

    public void Entry(WalBatch batch, ulong shard, ulong index, ulong term, byte[] payload)
    {
        var entry = new LogEntry(new LogIndex(index), new Term(term), EntryKind.Command, payload);
        batch.AddEntry(new ShardId(shard), entry);
        Shard target = Get(shard);
        target.Entries.RemoveAll(old => old.Index >= entry.Index);
        target.Entries.Add(entry);
        target.Last = index;
    }

    public void HardState(WalBatch batch, ulong shard, ulong term, ulong vote, ulong commit)
    {
        var state = new HardState(new Term(term), new ReplicaId(vote), new LogIndex(commit));
        batch.AddHardState(new ShardId(shard), state);
        Get(shard).State = state;
    }

    public void Release(WalBatch batch, ulong shard, ulong index, ulong term)
    {
        var position = new LogPosition(new LogIndex(index), new Term(term));
        batch.AddRelease(new ShardId(shard), position);
        Shard target = Get(shard);
        if (position.Index <= target.Released.Index) { return; }
        target.Released = position;
        target.Last = Math.Max(target.Last, index);
        target.Entries.RemoveAll(old => old.Index <= position.Index);
    }

    public void Reset(WalBatch batch, ulong shard, ulong index, ulong term)
    {
        var position = new LogPosition(new LogIndex(index), new Term(term));
        batch.AddReset(new ShardId(shard), position);
        Shard target = Get(shard);
        target.Entries.Clear();
        target.Released = position;
        target.Last = index;
    }

    public void Tombstone(WalBatch batch, ulong shard, ulong replica)
    {
        batch.AddTombstone(new ShardId(shard), new ReplicaId(replica));
        Shard target = Get(shard);
        target.Entries.Clear();
        target.Released = LogPosition.Zero;
        target.Last = 0;
        target.State = default;
        target.Tombstones.Add(new ReplicaId(replica));
    }

    /// <summary>The state as text, to be compared with <see cref="Text(WalRecovery)"/>.</summary>
    public string Text()
    {
        var text = new StringBuilder();
        foreach ((ulong id, Shard shard) in _shards)
        {
            bool known = shard.Tombstones.Count > 0 || shard.State != default || shard.Released != LogPosition.Zero
                || shard.Entries.Count > 0;
            if (known) { Write(text, id, shard.State, shard.Released, shard.Tombstones, shard.Entries); }
        }

        return text.ToString();
    }

    public static string Text(WalRecovery recovery)
    {
        var text = new StringBuilder();
        foreach (RecoveredShard shard in recovery.Shards)
        {
            Write(text, shard.Shard.Value, shard.HardState, shard.Released, shard.Tombstones, shard.Entries);
        }

        return text.ToString();
    }

    private static void Write(
        StringBuilder text, ulong id, HardState state, LogPosition released, IEnumerable<ReplicaId> tombstones,
        IEnumerable<LogEntry> entries)
    {
        text.Append(CultureInfo.InvariantCulture, $"shard {id} {state} after {released} removed {string.Join(',', tombstones)}\n");
        foreach (LogEntry entry in entries)
        {
            text.Append(CultureInfo.InvariantCulture, $"  {entry} {Convert.ToHexString(entry.Payload.Span)}\n");
        }
    }

    private Shard Get(ulong id)
    {
        if (!_shards.TryGetValue(id, out Shard? shard)) { _shards.Add(id, shard = new Shard()); }
        return shard;
    }

    private sealed class Shard
    {
        public HardState State { get; set; }

        public LogPosition Released { get; set; }

        public ulong Last { get; set; }

        public SortedSet<ReplicaId> Tombstones { get; private init; } = [];

        public List<LogEntry> Entries { get; private init; } = [];

        public Shard Clone() => new()
        {
            State = State,
            Released = Released,
            Last = Last,
            Tombstones = [.. Tombstones],
            Entries = [.. Entries],
        };
    }
}

/// <summary>Random but legal use of a log, the same for the same seed.</summary>
internal sealed class WalWorkload(ulong seed, int shards = 4, int maxPayload = 700)
{
    private readonly Prng _random = new(seed);
    private ulong _term = 1;

    /// <summary>May be replaced by an earlier clone of itself, when a crash has taken the log back there.</summary>
    public WalModel Model { get; set; } = new();

    /// <summary>Fills a batch with 1 to 6 steps and does the same to the model.</summary>
    public void Fill(WalBatch batch)
    {
        for (int steps = _random.Below(6); steps >= 0; steps--) { Step(batch); }
    }

    private void Step(WalBatch batch)
    {
        ulong shard = 1 + (ulong)_random.Below(shards);
        ulong last = Model.Last(shard);
        ulong released = Model.Released(shard);
        switch (_random.Below(20))
        {
            case 0:
                _term++;
                Model.HardState(batch, shard, _term, 1 + (ulong)_random.Below(3), released);
                break;
            case 1 or 2 or 3:
                Model.Release(batch, shard, released + (ulong)_random.Below((int)(last - released) + 1), _term);
                break;
            case 4 when last > released:
                _term++;
                Model.Entry(batch, shard, (ulong)_random.Between((long)released + 1, (long)last), _term, Payload());
                break;
            case 5 when _random.Chance(1, 4):
                Model.Reset(batch, shard, last + (ulong)_random.Below(50), _term);
                break;
            case 6 when _random.Chance(1, 8):
                Model.Tombstone(batch, shard, 100 + (ulong)_random.Below(100));
                break;
            default:
                Model.Entry(batch, shard, last + 1, _term, Payload());
                break;
        }
    }

    private byte[] Payload()
    {
        byte[] payload = new byte[_random.Chance(1, 10) ? 0 : _random.Below(maxPayload)];
        _random.Fill(payload);
        return payload;
    }
}
