using Quorate.Core;
using Quorate.StateMachines.KeyValue;
using Xunit;
using static Quorate.Tests.StateMachines.KeyValueHarness;

namespace Quorate.Tests.StateMachines;

public class KeyValuePropertyTests
{
    public static IEnumerable<TheoryDataRow<ulong>> Seeds => Enumerable.Range(1, 40).Select(static i => new TheoryDataRow<ulong>((ulong)i));

    // Property: the machine answers every command and every range, at any revision, as the model does; what the filter drops, or
    // a new start of the machine, changes no answer; a twin without either has the same state hash.
    [Theory]
    [MemberData(nameof(Seeds))]
    public void The_machine_answers_as_the_model_does(ulong seed)
    {
        var prng = new Prng(seed);
        var gen = new KeyValueGen(prng.Split(1));
        var kv = new KeyValueHarness();
        var twin = new KeyValueHarness();
        var model = new KeyValueModel();
        int dropped = 0;
        int expired = 0;

        for (int step = 0; step < 400; step++)
        {
            gen.Current = model.Current;
            KvCommand command = gen.Command();
            string expected = Text(model.Do(command));
            string actual = kv.Do(command);
            Assert.True(expected == actual, $"seed {seed}, step {step}, {command}:\n{expected} says the model,\n{actual} the machine");
            Assert.Equal(expected, twin.Do(command));

            RangeQuery query = gen.Query();
            (expected, actual) = (Text(model.Ask(query)), kv.Ask(query));
            Assert.True(expected == actual, $"seed {seed}, step {step}, {query}:\n{expected} says the model,\n{actual} the machine");

            KvCommand.Txn reads = gen.ReadOnlyTxn();
            (expected, actual) = (Text(model.Do(reads)), Text(KvQueries.Txn(kv.Store, reads)));
            Assert.True(expected == actual, $"seed {seed}, step {step}, {reads}:\n{expected} says the model,\n{actual} the view");

            Assert.Equal(model.Leases, LeasesOf(kv));
            model.Clock = kv.Clock = twin.Clock += prng.Below(600);
            if (kv.Machine.NextDeadline <= kv.Clock && prng.Chance(2, 3))
            {
                expired += model.Leases.Count();
                long due = kv.Clock - prng.Below(100);
                model.Timer(due);
                kv.Timer(due);
                twin.Timer(due);
                expired -= model.Leases.Count();
            }

            int before = kv.Store.Count;
            if (prng.Chance(1, 10)) { kv.Store.CompactSome(prng); }
            if (prng.Chance(1, 20)) { kv.Store.CompactAll(); }
            dropped += before - kv.Store.Count;
            if (prng.Chance(1, 20)) { kv.Machine.Open(kv.Store); }
            if (step % 50 == 0) { Assert.Equal(twin.Hash, kv.Hash); }
        }

        Assert.Equal(twin.Hash, kv.Hash);
        Assert.True(dropped > 50, $"only {dropped} versions were dropped: the run proves too little");
        Assert.True(expired > 5, $"only {expired} leases expired: the run proves too little");
    }

    private static IEnumerable<string> LeasesOf(KeyValueHarness kv) => LeaseQueries.All(kv.Store).Select(lease =>
        $"{lease.Id} of {lease.Seconds} s until {lease.Deadline}: "
            + string.Join(' ', LeaseQueries.KeysOf(kv.Store, lease.Id).Select(static key => System.Text.Encoding.Latin1.GetString(key.Span))));

    // Property: a different last command gives a different hash; else a hash of nothing would pass the tests above.
    [Fact]
    public void The_hash_tells_states_apart()
    {
        KvCommand[] last =
        [
            new KvCommand.Compact(0, false), Put("a", "1"), Put("a", "2"), Put("b", "1"), Put("a\0", "1"), Delete("x"),
            All(Put("a", "1"), Put("b", "1")), All(Put("b", "1"), Put("a", "1")), new KvCommand.LeaseGrant(1, 5),
            new KvCommand.LeaseGrant(1, 6), new KvCommand.LeaseGrant(2, 5),
        ];
        ulong[] hashes =
        [
            .. last.Select(static command =>
            {
                var kv = new KeyValueHarness();
                kv.Do(Put("x"));
                kv.Do(command);
                return kv.Hash;
            })
        ];
        Assert.Equal(hashes.Length, hashes.Distinct().Count());
    }

    // Property: store keys sort as user keys do, and of one key the newest version comes first.
    [Fact]
    public void Store_keys_sort_by_user_key_and_then_from_the_newest_version()
    {
        var prng = new Prng(7);
        var gen = new KeyValueGen(prng);
        var kv = new KeyValueHarness();
        var puts = new List<(byte[] Key, int Order)>();
        for (int i = 0; i < 500; i++)
        {
            byte[] key = [.. gen.Raw(6).Select(static b => (byte)(b % 5 == 0 ? 0 : b % 5 == 1 ? 255 : b % 3)), (byte)prng.Below(3)];
            kv.Do(new KvCommand.Put(key, BitConverter.GetBytes(i)));
            puts.Add((key, i));
        }

        IEnumerable<int> expected = puts.OrderBy(static p => p.Key, CheckedStore.ByBytes).ThenByDescending(static p => p.Order).Select(static p => p.Order);
        IEnumerable<int> actual = kv.Store.Records.Where(static r => r.Key[0] == 2).Select(static r => BitConverter.ToInt32(r.Value.AsSpan()[^4..]));
        Assert.Equal(expected, actual);

        byte[][] keys = [.. puts.Select(static p => p.Key).Distinct(new BytesEqual()).Order(CheckedStore.ByBytes)];
        RangeResult all = KvQueries.Range(kv.Store, Get("\0", "\0").Query);
        Assert.Equal(keys, all.Records.Select(static r => r.Key.ToArray()));
    }

    // Property: with many versions the scan seeks over what it would else step through, and finds the same.
    [Fact]
    public void A_range_at_an_old_revision_passes_over_many_versions()
    {
        var kv = new KeyValueHarness();
        for (int i = 0; i < 50; i++)
        {
            kv.Do(Put("a", $"{i}"));
            kv.Do(Put("b", $"{i}"));
        }

        Assert.Equal("2@101 a=0(2,2,1) b=0(3,3,1)", kv.Ask("a", "z", revision: 3));
        Assert.Equal("2@101 a=24(2,50,25) b=24(3,51,25)", kv.Ask("a", "z", revision: 51));
        Assert.Equal("2@101 a=49(2,100,50) b=49(3,101,50)", kv.Ask("a", "z"));
        Assert.Equal("1@101 a=0(2,2,1)", kv.Ask("a", "z", revision: 2));
        Assert.Equal("0@101", kv.Ask("a", "z", revision: 1));
    }

    private sealed class BytesEqual : IEqualityComparer<byte[]>
    {
        public bool Equals(byte[]? x, byte[]? y) => x.AsSpan().SequenceEqual(y);

        public int GetHashCode(byte[] obj) => obj.Length;
    }
}
