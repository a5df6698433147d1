using System.Collections.Immutable;
using System.Runtime.InteropServices;
using Quorate.Core;

namespace Quorate.Raft;

/// <summary>
/// A replica's log, whole in memory from the compacted prefix on. It knows three borders besides its two ends: what was handed
/// to the host to persist, what the host has persisted, and (in <see cref="PersistQueue"/>) which Ready will move that.
/// </summary>
/// <remarks>A ring, so that dropping the prefix moves nothing. Terms are read from the entries: no separate term cache is needed.</remarks>
internal sealed class RaftLog
{
    private LogEntry[] _ring = new LogEntry[16];
    private int _head;
    private int _count;
    private ImmutableArray<LogEntry> _lastSlice = [];

    /// <summary>Starts with what the disk holds: entries right after a snapshot.</summary>
    public RaftLog(LogPosition compacted, ImmutableArray<LogEntry> entries)
    {
        Compacted = compacted;
        foreach (LogEntry entry in entries) { Append(entry); }
        Saved = LastIndex;
        Durable = LastIndex;
    }

    /// <summary>The last entry that is gone, or zero. Its term is still known.</summary>
    public LogPosition Compacted { get; private set; }

    /// <summary>The first entry held; one past <see cref="LastIndex"/> if none is.</summary>
    public LogIndex FirstIndex => Compacted.Index.Next;

    /// <summary>The last entry.</summary>
    public LogIndex LastIndex => Compacted.Index + _count;

    /// <summary>The last entry, with its term.</summary>
    public LogPosition Last => _count == 0 ? Compacted : At(LastIndex).Position;

    /// <summary>Entries up to here were given to the host to persist.</summary>
    public LogIndex Saved { get; private set; }

    /// <summary>Entries up to here are on disk, and not replaced since. 0 while a received snapshot is not.</summary>
    public LogIndex Durable { get; private set; }

    /// <summary>Bytes of payload held.</summary>
    public long Bytes { get; private set; }

    /// <summary>The term of an entry; null if it is compacted or not there yet.</summary>
    public Term? TermAt(LogIndex index)
    {
        if (index == Compacted.Index) { return Compacted.Term; }
        if (index < Compacted.Index || index > LastIndex) { return null; }
        return At(index).Term;
    }

    /// <summary>The entry; it must be held.</summary>
    public ref readonly LogEntry At(LogIndex index)
    {
        Invariant.Holds(index > Compacted.Index && index <= LastIndex, $"{index} is not in ({Compacted.Index}, {LastIndex}]");
        return ref _ring[Slot(index)];
    }

    /// <summary>True if this log holds that very entry.</summary>
    public bool Matches(LogPosition position) => TermAt(position.Index) == position.Term;

    /// <summary>Adds one entry at the end.</summary>
    public void Append(in LogEntry entry)
    {
        Invariant.Holds(entry.Index == LastIndex.Next, $"entry {entry.Index} comes after {LastIndex}");
        Invariant.Holds(entry.Term >= Last.Term, $"entry of term {entry.Term} comes after one of {Last.Term}");
        if (_count == _ring.Length) { Grow(); }
        _ring[(_head + _count) & (_ring.Length - 1)] = entry;
        _count++;
        Bytes += entry.Payload.Length;
    }

    /// <summary>Drops all entries after one.</summary>
    public void TruncateAfter(LogIndex index)
    {
        Invariant.Holds(index >= Compacted.Index, $"truncating to {index}, compacted up to {Compacted.Index}");
        while (LastIndex > index)
        {
            ref LogEntry last = ref _ring[Slot(LastIndex)];
            Bytes -= last.Payload.Length;
            last = default;
            _count--;
        }

        Saved = LogIndex.Min(Saved, index);
        Durable = LogIndex.Min(Durable, index);
        _lastSlice = [];
    }

    /// <summary>Drops all entries up to and including one.</summary>
    public void Compact(LogIndex index)
    {
        if (index <= Compacted.Index) { return; }
        Invariant.Holds(index <= Saved, $"compacting up to {index}, given to disk up to {Saved}");
        LogPosition compacted = At(index).Position;
        for (long drop = index - Compacted.Index; drop > 0; drop--)
        {
            Bytes -= _ring[_head].Payload.Length;
            _ring[_head] = default;
            _head = (_head + 1) & (_ring.Length - 1);
            _count--;
        }

        Compacted = compacted;
        _lastSlice = [];
    }

    /// <summary>Replaces everything by a received snapshot, which the host must still make durable.</summary>
    public void Restore(LogPosition snapshot)
    {
        _ring = new LogEntry[16];
        _head = 0;
        _count = 0;
        Bytes = 0;
        _lastSlice = [];
        Compacted = snapshot;
        Saved = snapshot.Index;
        Durable = LogIndex.Zero;
    }

    /// <summary>All entries not yet given to the host; from now on they are.</summary>
    public ImmutableArray<LogEntry> TakeUnsaved()
    {
        ImmutableArray<LogEntry> unsaved = Slice(Saved.Next, LastIndex);
        Saved = LastIndex;
        return unsaved;
    }

    /// <summary>The disk holds the current entries up to here.</summary>
    public void PersistedTo(LogIndex index)
    {
        Invariant.Holds(index <= Saved, $"persisted up to {index}, given to disk up to {Saved}");
        Durable = LogIndex.Max(Durable, index);
    }

    /// <summary>Bytes of payload after one index, up to another.</summary>
    public long BytesBetween(LogIndex after, LogIndex upTo)
    {
        long bytes = 0;
        for (LogIndex index = LogIndex.Max(after.Next, FirstIndex); index <= upTo; index = index.Next)
        {
            bytes += At(index).Payload.Length;
        }

        return bytes;
    }

    /// <summary>Entries from one index to another, as many as fit; the first one always does.</summary>
    /// <param name="from">First wanted; at most one past <paramref name="to"/>.</param>
    /// <param name="to">Last wanted.</param>
    /// <param name="maxBytes">Most bytes of payload.</param>
    /// <param name="bytes">Bytes of payload given.</param>
    public ImmutableArray<LogEntry> Slice(LogIndex from, LogIndex to, long maxBytes, out long bytes)
    {
        bytes = 0;
        LogIndex next = from;
        for (; next <= to; next = next.Next)
        {
            int size = At(next).Payload.Length;
            if (next > from && bytes + size > maxBytes) { break; }
            bytes += size;
        }

        return next == from ? [] : Slice(from, next.Previous);
    }

    /// <summary>
    /// The largest index at most <paramref name="index"/> whose term is at most <paramref name="term"/>: where the logs may
    /// agree, given that the other one has that term there (Raft paper, end of 5.3). The term is zero if it is compacted.
    /// </summary>
    public LogPosition LastAtMost(LogIndex index, Term term)
    {
        index = LogIndex.Min(index, LastIndex);
        while (index > Compacted.Index && At(index).Term > term) { index = index.Previous; }
        return new LogPosition(index, TermAt(index) ?? Term.Zero);
    }

    private ImmutableArray<LogEntry> Slice(LogIndex from, LogIndex to)
    {
        if (to < from) { return []; }
        int count = (int)(to - from) + 1;

        // Followers at the same place, and our own disk, get the same array.
        if (_lastSlice.Length == count && _lastSlice[0].Index == from) { return _lastSlice; }
        var entries = new LogEntry[count];
        int start = Slot(from);
        int untilEnd = Math.Min(count, _ring.Length - start);
        Array.Copy(_ring, start, entries, 0, untilEnd);
        Array.Copy(_ring, 0, entries, untilEnd, count - untilEnd);
        return _lastSlice = ImmutableCollectionsMarshal.AsImmutableArray(entries);
    }

    private int Slot(LogIndex index) => (_head + (int)(index - Compacted.Index) - 1) & (_ring.Length - 1);

    private void Grow()
    {
        var larger = new LogEntry[_ring.Length * 2];
        int untilEnd = _ring.Length - _head;
        Array.Copy(_ring, _head, larger, 0, untilEnd);
        Array.Copy(_ring, 0, larger, untilEnd, _head);
        _ring = larger;
        _head = 0;
    }
}
