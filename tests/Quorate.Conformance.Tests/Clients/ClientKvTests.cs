using System.Globalization;
using Quorate.Client;
using Xunit;

namespace Quorate.Conformance.Tests;

/// <summary>Quorate.Client's keys and transactions, on our server and on etcd's.</summary>
public sealed class ClientKvTests
{
    [Theory]
    [InlineData(Members.Ours)]
    [InlineData(Members.Etcds)]
    public async Task Keys_are_read_written_and_paged(string kind)
    {
        using ClusterProcesses cluster = Members.Start(kind, 1);
        using QuorateClient client = cluster.Client();
        KvClient kv = client.Kv;

        Assert.Null(await kv.GetAsync("a"));
        PutResult first = await kv.PutAsync("a", "1");
        PutResult second = await kv.PutAsync("a", "2", new PutOptions { Previous = true });
        Assert.Equal("1", second.Previous!.Value.ToString());
        Assert.Equal(new KeyValue("a", "2", first.Revision, second.Revision, 2, 0), await kv.GetAsync("a"));
        Assert.Equal("1", (await kv.GetAsync("a", new RangeOptions { Revision = first.Revision }))!.Value.ToString());

        for (int i = 0; i < 25; i++) { await kv.PutAsync($"page/{i:D2}", i.ToString(CultureInfo.InvariantCulture)); }
        var seen = new List<string>();
        await foreach (KeyValue item in kv.ScanAsync(KeyRange.Prefix("page/"), pageSize: 10))
        {
            // What is put while it is read belongs to a later revision.
            if (seen.Count == 0) { await kv.PutAsync("page/99", "late"); }
            seen.Add(item.Value.ToString());
        }

        Assert.Equal(Enumerable.Range(0, 25).Select(static i => i.ToString(CultureInfo.InvariantCulture)), seen);
        RangeResult last = await kv.RangeAsync(KeyRange.Prefix("page/"), new RangeOptions { Limit = 2, SortBy = SortBy.ModRevision, Descending = true, KeysOnly = true });
        Assert.Equal(["page/99", "page/24"], last.Items.Select(static item => item.Key.ToString()));
        Assert.Equal((26L, true), (last.Count, last.More));
        Assert.Equal(26, (await kv.RangeAsync(KeyRange.Prefix("page/"), new RangeOptions { CountOnly = true, Serializable = true })).Count);

        DeleteResult deleted = await kv.DeleteAsync(KeyRange.Prefix("page/2"), previous: true);
        Assert.Equal((5L, 5), (deleted.Deleted, deleted.Previous.Length));

        await kv.CompactAsync(deleted.Revision);
        await Assert.ThrowsAsync<CompactedException>(() => kv.GetAsync("a", new RangeOptions { Revision = first.Revision }));
        RefusedException future = await Assert.ThrowsAsync<RefusedException>(() => kv.GetAsync("a", new RangeOptions { Revision = 1_000_000 }));
        Assert.Equal((StatusCode.OutOfRange, Outcome.NothingHappened), (future.Status, future.Outcome));
        await Assert.ThrowsAsync<LeaseNotFoundException>(() => kv.PutAsync("a", "3", new PutOptions { LeaseId = 12345 }));
    }

    [Theory]
    [InlineData(Members.Ours)]
    [InlineData(Members.Etcds)]
    public async Task Transactions_compare_and_nest(string kind)
    {
        using ClusterProcesses cluster = Members.Start(kind, 1);
        using QuorateClient client = cluster.Client();
        Txn create = Txn.If(Compare.Missing("k")).Then(Op.Put("k", "1")).Else(Op.Get("k"));

        TxnResult first = await client.Kv.CommitAsync(create);
        TxnResult second = await client.Kv.CommitAsync(create);
        Assert.Equal((true, false), (first.Succeeded, second.Succeeded));
        Assert.Equal("1", second.Results[0].Get!.Items[0].Value.ToString());

        await client.Kv.PutAsync("extra", "x");
        Txn nested = Txn
            .If(Compare.Value("k", Relation.Equal, "1"), Compare.Version("k", Relation.Less, 2), Compare.ModRevision("k", Relation.Equal, first.Revision))
            .Then(Op.Put("k", "2"), Op.Get("k"), Op.Nested(Txn.If(Compare.Exists("other")).Else(Op.Delete("extra", previous: true))));
        TxnResult result = await client.Kv.CommitAsync(nested);
        Assert.True(result.Succeeded);
        Assert.Equal("2", result.Results[1].Get!.Items[0].Value.ToString());
        Assert.False(result.Results[2].Txn!.Succeeded);
        Assert.Equal(1, result.Results[2].Txn!.Results[0].Delete!.Deleted);
        Assert.Equal(result.Revision, (await client.Kv.GetAsync("k"))!.ModRevision);
        Assert.Null(await client.Kv.GetAsync("extra"));
        RefusedException twice = await Assert.ThrowsAsync<RefusedException>(() => client.Kv.CommitAsync(Txn.Do(Op.Put("x", "1"), Op.Put("x", "2"))));
        Assert.Equal((StatusCode.InvalidArgument, Outcome.NothingHappened), (twice.Status, twice.Outcome));
    }
}
