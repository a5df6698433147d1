using System.Diagnostics;
using Microsoft.Extensions.Configuration;
using Quorate.Client;
using Xunit;

namespace Quorate.Conformance.Tests;

/// <summary>Quorate.Client's recipes, on our servers and on etcd's.</summary>
public sealed class ClientRecipeTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    // Goal: granted in the order of coming, with rising tokens; etcdctl waits in the same queue.
    [Theory]
    [InlineData(Members.Ours)]
    [InlineData(Members.Etcds)]
    public async Task Locks_pass_on_in_order_and_mix_with_etcdctls(string kind)
    {
        string etcdctl = Tool.Find("etcdctl");
        using ClusterProcesses cluster = Members.Start(kind, 1);
        using QuorateClient client = cluster.Client();
        LockHandle first = await client.LockAsync("L");
        Assert.Null(await client.TryLockAsync("L"));
        Task<LockHandle> second = client.LockAsync("L");
        await QueueOf(client, 2);
        using var theirs = new RunningTool(etcdctl, "--endpoints", cluster.Endpoints, "lock", "L");
        await QueueOf(client, 3);
        Task<LockHandle> fourth = client.LockAsync("L");
        await QueueOf(client, 4);
        using var gaveUp = new CancellationTokenSource();
        Task<LockHandle> fifth = client.LockAsync("L", null, gaveUp.Token);
        await QueueOf(client, 5);
        await gaveUp.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => fifth);
        await QueueOf(client, 4);

        await first.DisposeAsync();
        LockHandle held = await second.WaitAsync(Patience);
        Assert.True(held.FencingToken > first.FencingToken);
        Assert.False(fourth.IsCompleted);
        await held.DisposeAsync();
        string key = theirs.WaitForLines(1)[0];
        Assert.StartsWith("L/", key, StringComparison.Ordinal);
        Assert.False(fourth.IsCompleted);
        theirs.Terminate();
        theirs.WaitForExit();
        LockHandle last = await fourth.WaitAsync(Patience);
        Assert.True(last.FencingToken > held.FencingToken);
        await last.DisposeAsync();
        await QueueOf(client, 0);
        await using LockHandle? free = await client.TryLockAsync("L");
        Assert.NotNull(free);
    }

    [Theory]
    [InlineData(Members.Ours)]
    [InlineData(Members.Etcds)]
    public async Task Leaders_are_elected_observed_and_resign(string kind)
    {
        using ClusterProcesses cluster = Members.Start(kind, 1);
        using QuorateClient client = cluster.Client();
        LeaderElection election = client.Election("E");
        using var stop = new CancellationTokenSource(Patience);
        await using IAsyncEnumerator<LeaderInfo?> observed = election.ObserveAsync(stop.Token).GetAsyncEnumerator(stop.Token);
        Assert.Null(await Next());

        Leadership a = await election.CampaignAsync("a");
        Assert.Equal(new LeaderInfo("a", a.Key, a.FencingToken), await Next());
        Task<Leadership> waiting = election.CampaignAsync("b");
        await a.ProclaimAsync("a2");
        Assert.Equal("a2", (await Next())!.Value.ToString());
        Assert.Equal("a2", (await election.GetLeaderAsync(stop.Token))!.Value.ToString());
        await a.DisposeAsync();
        await using Leadership b = await waiting.WaitAsync(Patience);
        Assert.Equal(new LeaderInfo("b", b.Key, b.FencingToken), await Next());
        Assert.True(b.IsLeader && !a.IsLeader && b.FencingToken > a.FencingToken);
        await Assert.ThrowsAsync<LeaseLostException>(() => a.ProclaimAsync("too late"));

        async Task<LeaderInfo?> Next()
        {
            Assert.True(await observed.MoveNextAsync());
            return observed.Current;
        }
    }

    [Theory]
    [InlineData(Members.Ours)]
    [InlineData(Members.Etcds)]
    public async Task Settings_reload_when_a_key_changes(string kind)
    {
        using ClusterProcesses cluster = Members.Start(kind, 1);
        using QuorateClient client = cluster.Client();
        await client.Kv.PutAsync("config/shop/limits/orders", "10");
        await client.Kv.PutAsync("config/other", "x");
        using var configuration = (ConfigurationRoot)new ConfigurationBuilder().AddQuorate(source =>
        {
            source.Client.Endpoints.Add(cluster.Servers[0].Endpoint);
            source.Prefix = "config/shop/";
        }).Build();
        Assert.Equal("10", configuration["Limits:Orders"]);
        Assert.Single(configuration.GetSection("limits").GetChildren());

        Task changed = Reloaded();
        await client.Kv.PutAsync("config/shop/limits/orders", "20");
        await changed.WaitAsync(Patience);
        Assert.Equal("20", configuration["limits:orders"]);
        changed = Reloaded();
        await client.Kv.DeleteAsync("config/shop/limits/orders");
        await changed.WaitAsync(Patience);
        Assert.Null(configuration["limits:orders"]);

        Task Reloaded()
        {
            var reloaded = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            configuration.GetReloadToken().RegisterChangeCallback(static state => ((TaskCompletionSource)state!).TrySetResult(), reloaded);
            return reloaded.Task;
        }
    }

    // Goal: instances come and go in what others see; one whose lease was ended by somebody is registered anew.
    [Theory]
    [InlineData(Members.Ours)]
    [InlineData(Members.Etcds)]
    public async Task Services_are_registered_discovered_and_registered_anew(string kind)
    {
        using ClusterProcesses cluster = Members.Start(kind, 1);
        using QuorateClient client = cluster.Client();
        var registry = new ServiceRegistry(client);
        using var stop = new CancellationTokenSource(Patience);
        await using IAsyncEnumerator<ServiceSnapshot> seen = registry.DiscoverAsync("shop", stop.Token).GetAsyncEnumerator(stop.Token);
        Assert.Equal("", await Next());

        await using ServiceRegistration a = await registry.RegisterAsync(
            "shop", new ServiceInstance("a", "http://10.0.0.1:80", new Dictionary<string, string> { ["zone"] = "1" }), TimeSpan.FromSeconds(3));
        Assert.Equal("a http://10.0.0.1:80 1", await Next());
        ServiceRegistration b = await registry.RegisterAsync("shop", new ServiceInstance("b", "http://10.0.0.2:80"));
        Assert.Equal("a http://10.0.0.1:80 1, b http://10.0.0.2:80 ", await Next());
        await b.DisposeAsync();
        Assert.Equal("a http://10.0.0.1:80 1", await Next());

        await client.Leases.RevokeAsync((await client.Kv.GetAsync("services/shop/a"))!.LeaseId);
        Assert.Equal("", await Next());
        Assert.Equal("a http://10.0.0.1:80 1", await Next());
        Assert.Throws<ArgumentException>(() => registry.RegisterAsync("a/b", new ServiceInstance("x", "y")).GetAwaiter().GetResult());

        async Task<string> Next()
        {
            Assert.True(await seen.MoveNextAsync());
            return string.Join(", ", seen.Current.Instances.Select(static i => $"{i.Id} {i.Address} {i.Tags?["zone"]}"));
        }
    }

    // Goal: users log in by themselves, and again when the server has forgotten their token.
    [Theory]
    [InlineData(Members.Ours)]
    [InlineData(Members.Etcds)]
    public async Task Users_log_in_and_in_again(string kind)
    {
        string etcdctl = Tool.Find("etcdctl");
        using ClusterProcesses cluster = Members.Start(kind, 1);
        foreach (string line in (string[])["user add root:r", "user grant-role root root", "user add u:p", "role add reader",
            "role grant-permission --prefix=true reader readwrite k", "user grant-role u reader", "auth enable"])
        {
            Tool.Run(etcdctl, ["--endpoints", cluster.Endpoints, .. line.Split(' ')]).Succeeded();
        }

        var options = new QuorateClientOptions { User = "u", Password = "p" };
        options.Endpoints.Add(cluster.Servers[0].Endpoint);
        using var client = new QuorateClient(options);
        await client.Kv.PutAsync("k", "1");
        AccessDeniedException denied = await Assert.ThrowsAsync<AccessDeniedException>(() => client.Kv.PutAsync("other", "1"));
        Assert.Equal(Outcome.NothingHappened, denied.Outcome);
        await using IAsyncEnumerator<WatchBatch> watch = client.WatchAsync("k", new WatchOptions { StartRevision = 2 }).GetAsyncEnumerator();
        Assert.True(await watch.MoveNextAsync());

        cluster.Servers[0].Kill(); // Simple tokens live in memory.
        cluster.StartAll();
        await client.Kv.GetAsync("k");
        await client.Kv.PutAsync("k", "2");
        Assert.True(await watch.MoveNextAsync());
        Assert.Equal("2", watch.Current.Events[0].Item.Value.ToString());
        await using IAsyncEnumerator<WatchBatch> forbidden = client.WatchAsync("other").GetAsyncEnumerator();
        await Assert.ThrowsAsync<AccessDeniedException>(async () => await forbidden.MoveNextAsync());

        using QuorateClient stranger = cluster.Client();
        await Assert.ThrowsAsync<AccessDeniedException>(() => stranger.Kv.PutAsync("k", "3"));
    }

    [Fact]
    public async Task Tls_with_a_client_certificate()
    {
        using var cluster = new TlsCluster();
        QuorateClient Client(bool withCertificate)
        {
            var options = new QuorateClientOptions { CallTimeout = TimeSpan.FromSeconds(20) };
            foreach (ServerProcess server in cluster.Servers) { options.Endpoints.Add(new Uri(TlsCluster.Url(server))); }
            options.Tls.CaFile = cluster.Cert("ca");
            if (withCertificate) { (options.Tls.CertificateFile, options.Tls.KeyFile) = (cluster.Cert("alice"), cluster.Key("alice")); }
            return new QuorateClient(options);
        }

        using QuorateClient alice = Client(withCertificate: true);
        await alice.Kv.PutAsync("k", "v");
        await using LockHandle held = await alice.LockAsync("L");
        Assert.Equal("v", (await alice.Kv.GetAsync("k"))!.Value.ToString());
        using QuorateClient nobody = Client(withCertificate: false);
        QuorateException refused = await Assert.ThrowsAnyAsync<QuorateException>(() => nobody.Kv.WithTimeout(TimeSpan.FromSeconds(3)).GetAsync("k"));
        Assert.Equal(Outcome.NothingHappened, refused.Outcome);
    }

    private static async Task QueueOf(QuorateClient client, int length)
    {
        var watch = Stopwatch.StartNew();
        while ((await client.Kv.RangeAsync(KeyRange.Prefix("L/"), new RangeOptions { CountOnly = true })).Count != length)
        {
            Assert.True(watch.Elapsed < Patience, $"the queue never had {length}");
            await Task.Delay(10);
        }
    }
}
