// Goal: a dump holds all that can be read and comes back the same, whole or as base and increments, at any revision; what was
// changed or cut off on the way is told, never taken.
using Quorate.Core;
using Quorate.StateMachines.KeyValue;
using Xunit;
using static Quorate.Tests.StateMachines.KeyValueHarness;

namespace Quorate.Tests.StateMachines;

public class KeyValueDumpTests
{
    [Fact]
    public void Dumps_have_these_bytes_for_ever()
    {
        var kv = new KeyValueHarness();
        kv.Do(Put("a\0b", "v"));
        Assert.Equal(
            "1200000067C4ECFF0101C10000000000000000040104746573741B000000F6C824E40213026100FF620001FFFFFFFFFFFFFFFDFFFFFFFF05"
            + "0002010076020000004A5A11B60301",
            Hex(Dump(kv, since: 0)));
        kv.Do(Delete("a\0b"));
        Assert.Equal(
            "120000009A1FF70E0101C1000000000000000406010474657374170000002F0B47610213026100FF620001FFFFFFFFFFFFFFFCFFFFFFFF010102"
            + "0000004A5A11B60301",
            Hex(Dump(kv, since: 2)));
    }

    // Goal: users come back, and their tokens do not: a token ends by the clock of the shard it was made in.
    [Fact]
    public void Tokens_are_not_in_a_dump()
    {
        var kv = new KeyValueHarness();
        kv.Do(new KvCommand.UserAdd("u", new byte[] { 1 }, HasPassword: true));
        byte[] without = Dump(kv, since: 0);
        kv.Do(new KvCommand.TokenAdd("u", AuthQueries.User(kv.Writer, "u")!.PasswordRevision, new byte[32], 1000));
        Assert.Equal(Hex(without), Hex(Dump(kv, since: 0)));
        var restored = new KeyValueHarness();
        Import(restored.Writer, [without], 1, -1);
        Assert.NotNull(AuthQueries.User(restored.Writer, "u"));
    }

    // Property: base and increments of a random history give the state of every revision that the source still had, and its leases.
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void A_history_comes_back_as_of_any_revision(ulong seed)
    {
        var prng = new Prng(seed);
        var gen = new KeyValueGen(prng.Split(1));
        var kv = new KeyValueHarness();
        var texts = new SortedDictionary<long, string>(); // What every key was at each revision, asked when it was the newest.
        var dumps = new List<byte[]>();
        long dumped = 0;
        for (int step = 0; step < 400; step++)
        {
            gen.Current = KvQueries.CurrentRevision(kv.Writer);
            KvCommand command = gen.Command();
            if (command is KvCommand.Compact && prng.Chance(3, 4)) { continue; }
            kv.Do(command);
            long current = KvQueries.CurrentRevision(kv.Writer);
            texts[current] = AllOf(kv.Writer);
            if (step < 100 || !prng.Chance(1, 40)) { continue; }
            byte[]? dump = TryDump(kv, dumped);
            if (dump is null)
            {
                dumps.Clear(); // Compacted in between: a new base.
                dump = TryDump(kv, 0)!;
            }

            dumps.Add(dump);
            dumped = current;
            if (prng.Chance(1, 4)) { kv.Store.CompactAll(); }
        }

        KvDumpHeader first = Read(dumps[0]).Header;
        KvDumpHeader last = Read(dumps[^1]).Header;
        int checks = 0;
        for (long revision = Math.Max(1, first.Compacted); revision <= last.Revision; revision++)
        {
            if (!texts.TryGetValue(revision, out string? expected)) { continue; }
            var restored = new KeyValueHarness();
            Import(restored.Writer, dumps, revision, Math.Min(revision, first.Compacted));
            restored.Machine.Open(restored.Writer);
            Assert.Equal(revision, KvQueries.CurrentRevision(restored.Writer));
            Assert.True(expected == AllOf(restored.Writer), $"seed {seed}, revision {revision}: not {expected}");
            CheckLeases(restored.Writer);
            Assert.Equal($"put@{revision + 1}", restored.Do(Put("after")));
            checks++;
        }

        Assert.True(checks > 3, $"seed {seed}: {checks} revisions prove too little");
    }

    [Fact]
    public void A_dump_without_increments_has_the_same_history_hash_and_the_leases_with_their_whole_time()
    {
        var kv = new KeyValueHarness { Clock = 5000 };
        kv.Do(new KvCommand.LeaseGrant(7, 60));
        kv.Do(Put("a") with { Lease = 7 });
        kv.Do(Put("b"));
        kv.Do(Put("a", "2") with { Lease = 7 });
        kv.Do(Delete("b"));
        kv.Do(new KvCommand.Compact(3, false));
        kv.Do(new KvCommand.Alarm(true, 5, KvAlarmType.NoSpace));
        var restored = new KeyValueHarness();
        Import(restored.Writer, [Dump(kv, 0)], 5, 3);
        restored.Machine.Open(restored.Writer);
        Assert.Equal(KvQueries.HashHistory(kv.Writer, 0), KvQueries.HashHistory(restored.Writer, 0));
        Assert.Equal([new KvLease(7, 60, 60_000)], LeaseQueries.All(restored.Writer));
        Assert.Equal(60_000, restored.Machine.NextDeadline);
        Assert.Empty(KvQueries.Alarms(restored.Writer)); // Another cluster's.
        Assert.Equal("revoked@6", restored.Do(new KvCommand.LeaseRevoke(7)));
        Assert.Equal("0@6", restored.Ask("a"));
    }

    // Between a revision and the state that was saved after it, the lease of a key may have ended: the key must not live for ever.
    [Fact]
    public void A_key_whose_lease_is_not_known_any_more_gets_a_short_one()
    {
        var kv = new KeyValueHarness();
        kv.Do(new KvCommand.LeaseGrant(7, 600));
        kv.Do(Put("a") with { Lease = 7 });
        kv.Do(new KvCommand.LeaseRevoke(7));
        var restored = new KeyValueHarness();
        Import(restored.Writer, [Dump(kv, 0)], 2, -1);
        Assert.Equal([new KvLease(7, KvImport.UnknownLeaseSeconds, KvImport.UnknownLeaseSeconds * 1000)], LeaseQueries.All(restored.Writer));
        Assert.Equal("a", System.Text.Encoding.ASCII.GetString(LeaseQueries.KeysOf(restored.Writer, 7).Single().Span));
    }

    [Fact]
    public void Changes_that_are_gone_or_not_there_yet_are_refused()
    {
        var kv = new KeyValueHarness();
        for (int i = 0; i < 9; i++) { kv.Do(Put("a")); }
        kv.Do(new KvCommand.Compact(8, false));
        kv.Store.CompactAll();
        using var view = new StoreView(kv.Store);
        Assert.Equal(KvRefusal.Compacted, KvDumpWriter.Begin(view, 1, since: 6, "", out _));
        Assert.Equal(KvRefusal.FutureRevision, KvDumpWriter.Begin(view, 1, since: 11, "", out _));
        Assert.NotNull(TryDump(kv, 7)); // The changes of the compacted revision itself are there.
        Assert.NotNull(TryDump(kv, 10));
    }

    // Every byte counts: any that is another, any end that is missing, anything behind it.
    [Fact]
    public void Whatever_is_changed_or_cut_off_is_told()
    {
        var kv = new KeyValueHarness();
        kv.Do(Put("a\0b", "v"));
        kv.Do(new KvCommand.LeaseGrant(7, 60));
        kv.Do(Delete("a\0b"));
        byte[] dump = Dump(kv, 0);
        Assert.Equal(512, dump.Length);
        ReadAll(dump);
        for (int i = 0; i < dump.Length; i++)
        {
            foreach (byte flip in new byte[] { 1, 0x80, 0xFF })
            {
                byte[] other = [.. dump];
                other[i] ^= flip;
                Assert.Throws<CorruptFileException>(() => ReadAll(other));
            }
        }

        for (int length = 0; length < dump.Length; length++) { Assert.Throws<CorruptFileException>(() => ReadAll(dump[..length])); }
        Assert.Throws<CorruptFileException>(() => ReadAll([.. dump, 0]));
        Assert.Throws<CorruptFileException>(() => ReadAll([.. dump, .. new byte[512]]));
        Assert.Throws<CorruptFileException>(() => ReadAll([.. dump, .. dump]));
    }

    // Values of some hundred KiB take several frames, and one that is larger than a frame has its own.
    [Fact]
    public void Large_values_come_back_and_the_length_is_known_beforehand()
    {
        var kv = new KeyValueHarness();
        for (int i = 0; i < 40; i++) { kv.Do(Put($"k{i}", new string((char)('a' + (i % 26)), 9000))); }
        kv.Do(Put("large", new string('x', 1_000_000)));
        byte[] dump = Dump(kv, 0);
        Assert.Equal(0, dump.Length % 512);
        var restored = new KeyValueHarness();
        Import(restored.Writer, [dump], 42, -1);
        Assert.Equal(AllOf(kv.Writer), AllOf(restored.Writer));
    }

    private static byte[] Dump(KeyValueHarness kv, long since) => TryDump(kv, since) ?? throw new InvalidOperationException("refused");

    private static byte[]? TryDump(KeyValueHarness kv, long since)
    {
        using var view = new StoreView(kv.Store);
        KvRefusal refusal = KvDumpWriter.Begin(view, 0xC1, since, "test", out KvDumpWriter? writer);
        if (writer is null)
        {
            Assert.Equal(KvRefusal.Compacted, refusal);
            return null;
        }

        using (writer)
        {
            var all = new ByteWriter();
            while (writer.MoveNext(all)) { }
            Assert.Equal(all.Length, KvDumpWriter.Measure(view, writer.Header));
            return all.ToArray();
        }
    }

    private static KvDumpReader Read(byte[] dump) => new(new MemoryStream(dump), "test");

    private static void ReadAll(byte[] dump)
    {
        KvDumpReader reader = Read(dump);
        while (reader.MoveNext()) { }
    }

    private static void Import(IStoreWriter store, List<byte[]> dumps, long revision, long compacted)
    {
        var import = new KvImport(store, revision);
        int last = 0;
        while (Read(dumps[last]).Header.Revision < revision) { last++; }
        for (int i = 0; i <= last; i++) { import.AddDump(Read(dumps[i]), withState: i == last, static () => { }); }
        import.Finish(revision, compacted, static () => { });
    }

    private static string AllOf(IStoreReader store) => Text(KvQueries.Range(store, new RangeQuery { Key = Bytes("\0"), RangeEnd = Bytes("\0") }));

    // Each key with a lease hangs on it, and it exists.
    private static void CheckLeases(IStoreReader store)
    {
        foreach (KeyValueRecord record in KvQueries.Range(store, new RangeQuery { Key = Bytes("\0"), RangeEnd = Bytes("\0") }).Records)
        {
            if (record.Lease == 0) { continue; }
            Assert.NotNull(LeaseQueries.Find(store, record.Lease));
            Assert.Contains(LeaseQueries.KeysOf(store, record.Lease), key => key.Span.SequenceEqual(record.Key.Span));
        }
    }

    // Without the padding.
    private static string Hex(byte[] dump) => Convert.ToHexString(dump.AsSpan(0, dump.AsSpan().LastIndexOfAnyExcept((byte)0) + 1));

    private sealed class StoreView(CheckedStore store) : IReadView
    {
        public LogIndex AppliedIndex => new(1);

        public IStoreReader Flushed => store;

        public bool TryGet(ReadOnlySpan<byte> key, out ReadOnlySpan<byte> value) => store.TryGet(key, out value);

        public bool TryGetFirst(
            ReadOnlySpan<byte> prefix, ReadOnlySpan<byte> from, out ReadOnlySpan<byte> key, out ReadOnlySpan<byte> value) =>
            store.TryGetFirst(prefix, from, out key, out value);

        public ICursor OpenCursor(ReadOnlySpan<byte> lower, ReadOnlySpan<byte> upper) => store.OpenCursor(lower, upper);

        public void Dispose()
        {
        }
    }
}
