using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace Quorate.Client.Tests;

/// <summary>The code of docs/client.md and of the package's README, so that it compiles. <see cref="SnippetTests"/> compares.</summary>
internal static class Snippets
{
    public static void Host(IServiceCollection services, IConfigurationBuilder builder, string password)
    {
        services.AddQuorateClient(options =>
        {
            options.Endpoints.Add(new Uri("https://etcd-1.internal:2379"));
            options.Endpoints.Add(new Uri("https://etcd-2.internal:2379"));
            options.Tls.CaFile = "/etc/quorate/ca.crt";
            options.User = "shop";
            options.Password = password;
            options.CallTimeout = TimeSpan.FromSeconds(5);
        });

        builder.AddQuorate(source =>
        {
            source.Client.Endpoints.Add(new Uri("http://127.0.0.1:2379"));
            source.Prefix = "config/shop/";
        });
    }

    public static async Task Readme()
    {
        using var client = new QuorateClient("http://127.0.0.1:2379", "http://127.0.0.1:22379", "http://127.0.0.1:32379");

        await client.Kv.PutAsync("greeting", "hello");
        KeyValue? greeting = await client.Kv.GetAsync("greeting");

        await using LockHandle held = await client.LockAsync("nightly-report");
        await WriteReportAsync(held.FencingToken, held.Lost);
        TxnResult done = await client.Kv.CommitAsync(Txn.If(held.StillHeld).Then(Op.Put("reports/last", "tonight")));
        Console.WriteLine($"{greeting} {done}");
    }

    public static async Task Keys(QuorateClient client)
    {
        CancellationToken stop = CancellationToken.None;
        await client.Kv.PutAsync("greeting", "hello");
        KeyValue? greeting = await client.Kv.GetAsync("greeting");
        RangeResult users = await client.Kv.RangeAsync(KeyRange.Prefix("users/"), new RangeOptions { Limit = 10, SortBy = SortBy.ModRevision, Descending = true });
        DeleteResult deleted = await client.Kv.DeleteAsync(KeyRange.Prefix("drafts/"));
        Console.WriteLine($"{greeting} {deleted}");

        await foreach (KeyValue user in client.Kv.ScanAsync(KeyRange.Prefix("users/"))) { Console.WriteLine(user.Key); }

        TxnResult result = await client.Kv.CommitAsync(Txn
            .If(Compare.Missing("users/ann"))
            .Then(Op.Put("users/ann", "new"))
            .Else(Op.Get("users/ann")));

        await using WriteSession session = await client.OpenWriteSessionAsync();
        SessionResult paid = await session.CommitAsync(Txn.If(Compare.Missing("paid/17")).Then(Op.Put("paid/17", "yes")));
        Console.WriteLine($"{result} {paid}");

        await foreach (WatchBatch batch in client.WatchAsync(KeyRange.Prefix("users/"), new WatchOptions { StartRevision = users.Revision + 1 }, stop))
        {
            foreach (WatchEvent change in batch.Events) { Console.WriteLine($"{change.Kind} {change.Item.Key} at {change.Item.ModRevision}"); }
        }

        await foreach (MirrorState state in client.MirrorAsync(KeyRange.Prefix("users/"), stop)) { Console.WriteLine($"{state.Items.Count} users at {state.Revision}"); }
    }

    public static async Task Recipes(QuorateClient client)
    {
        CancellationToken stop = CancellationToken.None;
        await using Lease lease = await client.Leases.GrantAsync(TimeSpan.FromSeconds(15));
        await client.Kv.PutAsync("alive/me", "yes", new PutOptions { LeaseId = lease.Id });

        LeaderElection election = client.Election("scheduler");
        await using Leadership leadership = await election.CampaignAsync("http://10.0.0.7:8080");
        await RunSchedulerAsync(leadership.Lost);

        var registry = new ServiceRegistry(client);
        await using ServiceRegistration registration = await registry.RegisterAsync("shop", new ServiceInstance("shop-1", "http://10.0.0.7:8080"));
        await foreach (ServiceSnapshot shops in registry.DiscoverAsync("shop", stop)) { Console.WriteLine(string.Join(' ', shops.Instances)); }
    }

    private static Task WriteReportAsync(long fencingToken, CancellationToken stop) => Task.Delay((int)fencingToken, stop);

    private static Task RunSchedulerAsync(CancellationToken stop) => Task.Delay(Timeout.InfiniteTimeSpan, stop);
}
