using System.Buffers.Binary;
using System.Numerics;
using Quorate.Core;

namespace Quorate.StateMachines.KeyValue;

/// <summary>
/// The hash of what can be read: revisions, of each key the versions from its newest at or below the compacted revision on,
/// the index of changes from the compacted revision on, leases, users, alarms, keyspaces and members.
/// What a compaction filter may drop does not count, whether it did or not; nor what comparisons of replicas note (<see cref="CheckBook"/>).
/// </summary>
internal sealed class KvStateHash : IStateHasher
{
    /// <summary>Number of this way to hash. Another number for each change of what is hashed, or how: builds that differ must not be compared.</summary>
    public const int Format = 1;

    // First byte of the keys of each part, and the first byte behind them.
    private static readonly (byte Lower, byte Upper)[] Parts =
    [
        (VersionKeys.Kind, VersionKeys.AfterAll[0]),
        (ChangeKeys.Kind, ChangeKeys.AfterAll[0]),
        (LeaseStore.Lower[0], LeaseStore.Upper[0]),
        (AuthStore.Lower[0], AuthStore.Upper[0]),
        (AlarmStore.Kind, AlarmStore.AfterAll[0]),
        (KeyspaceBook.Lower[0], KeyspaceBook.Upper[0]),
        (MemberStore.Lower[0], MemberStore.Upper[0]),
    ];

    private KvCompactionFilter? _visible;
    private int _part;
    private byte[] _from = []; // The key at which the next step goes on; empty at the start of a part.

    /// <inheritdoc/>
    public ulong Value { get; private set; }

    /// <summary>The whole hash at once.</summary>
    public static ulong Compute(IStoreReader store)
    {
        var hash = new KvStateHash();
        bool isDone = hash.Step(store, long.MaxValue);
        Invariant.Holds(isDone, $"a step without an end has ended at part {hash._part}");
        return hash.Value;
    }

    /// <inheritdoc/>
    public bool Step(IStoreReader store, long bytes)
    {
        if (_visible is null)
        {
            KvMeta meta = KvMeta.Read(store);
            Add(unchecked((ulong)meta.Current));
            Add(unchecked((ulong)meta.Compacted));
            _visible = new KvCompactionFilter(meta.Compacted);
        }

        while (bytes > 0)
        {
            if (_part == Parts.Length) { return true; }
            (byte lower, byte upper) = Parts[_part];
            if (AddPart(store, _from.Length > 0 ? _from : [lower], [upper], ref bytes))
            {
                _part++;
                _from = [];
            }
        }

        return false;
    }

    // True at the end of the part, also if that comes with the last byte of the step.
    private bool AddPart(IStoreReader store, ReadOnlySpan<byte> from, ReadOnlySpan<byte> upper, ref long bytes)
    {
        using ICursor records = store.OpenCursor(from, upper);
        for (bool isValid = records.SeekFirst(); isValid; isValid = records.Next())
        {
            if (bytes <= 0)
            {
                _from = records.Key.ToArray();
                return false;
            }

            // The filter keeps all that is no version and no change. It looks at each record once, in order.
            if (_visible!.Keep(records.Key, records.Value, isBottommost: true))
            {
                Add(records.Key);
                Add(records.Value);
            }

            bytes -= records.Key.Length + records.Value.Length + 1;
        }

        return true;
    }

    private void Add(ReadOnlySpan<byte> bytes)
    {
        Add((ulong)bytes.Length);
        for (; bytes.Length >= 8; bytes = bytes[8..]) { Add(BinaryPrimitives.ReadUInt64LittleEndian(bytes)); }
        ulong rest = 0;
        foreach (byte b in bytes) { rest = (rest << 8) | b; }
        Add(rest);
    }

    // One round of a multiply-and-rotate hash; the odd constant is 2^64 divided by the golden ratio.
    private void Add(ulong word) =>
        Value = unchecked(BitOperations.RotateLeft((Value ^ word) * 0x9E3779B97F4A7C15, 29) + 0x2545F4914F6CDD1D);
}
