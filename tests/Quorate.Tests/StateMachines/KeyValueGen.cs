using System.Collections.Immutable;
using Quorate.Core;
using Quorate.StateMachines.KeyValue;

namespace Quorate.Tests.StateMachines;

/// <summary>Random commands over few keys, so that they meet; keys with zeros, prefixes of each other and the largest byte.</summary>
internal sealed class KeyValueGen(Prng prng)
{
    private static readonly string[] Keys =
        ["a", "ab", "a\0", "a\0\0", "a\0\u0001", "a\u0001", "a\u00ff", "b", "c", "\0", "\0\0", "\u00ff", "\u00ff\u00ff", "d/1", "d/2", "d/3"];

    private static readonly string[] Values = ["", "1", "2", "\0", "xyz"];

    /// <summary>The revision that random ones lie around.</summary>
    public long Current { get; set; } = 1;

    public KvCommand Command() => prng.Below(24) switch
    {
        < 9 => Put(),
        < 12 => Delete(),
        < 18 => Txn(depth: 1),
        < 19 => new KvCommand.Range(Query()),
        < 22 => new KvCommand.LeaseGrant(Lease(), prng.Chance(1, 20) ? 9_000_000_001 : prng.Between(-1, 9)),
        < 23 => prng.Chance(1, 3) ? new KvCommand.LeaseRevoke(Lease()) : new KvCommand.LeaseRenew(Lease()),
        _ => new KvCommand.Compact(prng.Chance(1, 4) ? prng.Between(-2, Current + 2) : Math.Max(0, Current - prng.Below(20)), prng.Chance(1, 2)),
    };

    public RangeQuery Query() => new()
    {
        Key = Key(),
        RangeEnd = End(),
        Limit = prng.Chance(1, 2) ? 0 : prng.Between(-1, 5),
        Revision = prng.Chance(1, 2) ? 0 : prng.Between(Math.Max(-2, Current - 30), Current + 1),
        SortOrder = (KvSortOrder)prng.Below(3),
        SortTarget = (KvSortTarget)prng.Below(5),
        KeysOnly = prng.Chance(1, 5),
        CountOnly = prng.Chance(1, 8),
        MinModRevision = Bound(),
        MaxModRevision = Bound(),
        MinCreateRevision = Bound(),
        MaxCreateRevision = Bound(),
    };

    public KvCommand.Txn ReadOnlyTxn() => new(
        Some(2, Compare), Some(3, () => (KvCommand.Op)new KvCommand.Range(Query())), Some(3, () => (KvCommand.Op)new KvCommand.Range(Query())));

    public KvCommand.Txn Txn(int depth) => new(Some(2, Compare), Some(4, () => Op(depth)), Some(4, () => Op(depth)));

    public byte[] Raw(int most)
    {
        byte[] bytes = new byte[prng.Below(most + 1)];
        prng.Fill(bytes);
        return bytes;
    }

    private KvCommand.Op Op(int depth) => prng.Below(10) switch
    {
        < 5 => Put(),
        < 7 => Delete(),
        < 9 => new KvCommand.Range(prng.Chance(3, 4) ? Query() with { Revision = 0 } : Query()),
        _ => depth < 4 ? Txn(depth + 1) : Put(),
    };

    private KvCommand.Put Put()
    {
        bool ignoreValue = prng.Chance(1, 10);
        bool ignoreLease = prng.Chance(1, 10);
        return new KvCommand.Put(Key(), ignoreValue ? default : KeyValueHarness.Bytes(Values[prng.Below(Values.Length)]))
        {
            PrevKv = prng.Chance(1, 2),
            IgnoreValue = ignoreValue,
            IgnoreLease = ignoreLease,
            Lease = ignoreLease || prng.Chance(2, 3) ? 0 : Lease(),
        };
    }

    private long Lease() => prng.Below(4) is var lease and > 0 ? lease : -1;

    private KvCommand.DeleteRange Delete() => new(Key(), prng.Chance(1, 2) ? default : End()) { PrevKv = prng.Chance(1, 2) };

    private KvCompare Compare() => new()
    {
        Target = (KvCompareTarget)prng.Below(5),
        Result = (KvCompareResult)prng.Below(4),
        Key = Key(),
        RangeEnd = prng.Chance(2, 3) ? default : End(),
        Number = prng.Chance(1, 2) ? prng.Below(3) : prng.Between(0, Current + 1),
        Value = KeyValueHarness.Bytes(Values[prng.Below(Values.Length)]),
    };

    private ReadOnlyMemory<byte> Key() => KeyValueHarness.Bytes(Keys[prng.Below(Keys.Length)]);

    private ReadOnlyMemory<byte> End() => prng.Below(4) switch
    {
        0 => default,
        1 => KeyValueHarness.Bytes("\0"),
        _ => Key(),
    };

    private long Bound() => prng.Chance(5, 6) ? 0 : prng.Between(-1, Current);

    private ImmutableArray<T> Some<T>(int most, Func<T> make) => [.. Enumerable.Range(0, prng.Below(most + 1)).Select(_ => make())];
}
