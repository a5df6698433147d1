using System.Globalization;
using Quorate.FrontDoors.Etcd.Client;
using Quorate.FrontDoors.Etcd.Protos;
using Xunit;

namespace Quorate.Conformance.Tests;

/// <summary>What kube-apiserver relies on, told as a story that must be the same of etcd and of each of our nodes.</summary>
public sealed class KubernetesTests
{
    private const string Pods = "/registry/pods/";

    // Goal: the whole sequence of storage requests has the same answers as etcd's, revision by revision, through a follower too.
    [Fact]
    public async Task The_storage_sequence_is_answered_as_by_etcd()
    {
        using var etcd = new RealEtcd(Tool.Find("etcd"));
        using ClusterProcesses ours = ClusterProcesses.StartReady(3);
        etcd.WaitUntilReady(Tool.Find("etcdctl"));
        ServerProcess leader = await ours.FindLeaderAsync();
        List<string> expected = await Story(new Uri("http://" + etcd.Endpoint));
        Assert.Contains("list again at 13: OutOfRange etcdserver: mvcc: required revision has been compacted", expected);
        Assert.Equal(expected, await Story(ours.Servers.First(s => s != leader).Endpoint));
    }

    // Goal: what etcd 3.4 cannot show: the version gates that Kubernetes 1.31 and later set, lists in parts, bookmarks while nothing happens.
    [Fact]
    public async Task What_newer_versions_ask_for_is_there()
    {
        using ClusterProcesses cluster = ClusterProcesses.StartReady(3, "--watch-progress-notify-interval=200ms");
        using var api = new ApiServer(cluster.Servers[0].Endpoint);
        foreach (ServerProcess server in cluster.Servers)
        {
            using var each = new ApiServer(server.Endpoint);
            StatusResponse status = await each.StatusAsync();
            Assert.Matches("^3\\.[0-9]+\\.[0-9]+$", status.Version);
            Assert.True(Version.Parse(status.Version) >= new Version(3, 5, 13), "consistent reads from the watch cache are off below 3.5.13");
            Assert.True(status.DbSize > 0);
        }

        for (int i = 0; i < 300; i++) { await api.PutAsync($"{Pods}p{i:D3}", new string('x', 4096), 0); }
        List<RangeResponse> parts = await api.StreamAsync(Pods);
        RangeResponse whole = await api.ListAsync(Pods, limit: 0);
        Assert.True(parts.Count > 1);
        Assert.Equal(whole.Kvs, parts.SelectMany(p => p.Kvs));
        Assert.Equal((whole.Count, whole.Header.Revision), (parts[^1].Count, parts[^1].Header.Revision));

        // The cache's bookmark: the store has moved on by others' keys, and an idle watch learns to where.
        await using EtcdGrpcStream<WatchRequest, WatchResponse> watch = await api.WatchAsync(Pods, whole.Header.Revision + 1);
        Assert.True((await watch.ReadAsync())!.Created);
        long elsewhere = (await api.PutAsync("/registry/leases/x", "1", 0)).Header.Revision;
        WatchResponse bookmark;
        do { bookmark = (await watch.ReadAsync())!; }
        while (bookmark.Header.Revision < elsewhere);
        Assert.Empty(bookmark.Events);
    }

    private static async Task<List<string>> Story(Uri endpoint)
    {
        var story = new List<string>();
        using var api = new ApiServer(endpoint);
        void Tell(string what, TxnResponse txn) => story.Add(
            $"{what}: {txn.Succeeded} at {txn.Header.Revision} " + string.Join(' ', txn.Responses.Select(r => r.ResponseCase switch
            {
                ResponseOp.ResponseOneofCase.ResponseRange => string.Join(',', r.ResponseRange.Kvs.Select(Kv)),
                _ => r.ResponseCase.ToString(),
            })));
        void Page(string what, RangeResponse page) => story.Add(
            $"{what}: at {page.Header.Revision} count {page.Count} more {page.More} " + string.Join(',', page.Kvs.Select(Kv)));

        Page("health", await api.GetAsync("/registry/health"));

        // Create, create again, update, update of an old one, delete of an old one, delete, update of a deleted one.
        TxnResponse created = await api.PutAsync(Pods + "a", "1", expected: 0);
        Tell("create", created);
        Tell("create again", await api.PutAsync(Pods + "a", "2", expected: 0));
        TxnResponse updated = await api.PutAsync(Pods + "a", "2", created.Header.Revision);
        Tell("update", updated);
        Tell("update of an old one", await api.PutAsync(Pods + "a", "3", created.Header.Revision));
        Tell("delete of an old one", await api.DeleteAsync(Pods + "a", created.Header.Revision));
        Tell("delete", await api.DeleteAsync(Pods + "a", updated.Header.Revision));
        Tell("delete again", await api.DeleteAsync(Pods + "a", updated.Header.Revision));
        Tell("update of a deleted one", await api.PutAsync(Pods + "a", "4", updated.Header.Revision));

        // A list in pages at one revision, while others write.
        for (int i = 0; i < 9; i++) { await api.PutAsync(Pods + (char)('b' + i), i.ToString(CultureInfo.InvariantCulture), 0); }
        RangeResponse first = await api.ListAsync(Pods, limit: 4);
        Page("first page", first);
        long revision = first.Header.Revision;
        Tell("meanwhile", await api.PutAsync(Pods + "zz", "new", 0));
        Tell("meanwhile", await api.DeleteAsync(Pods + "h", (await api.GetAsync(Pods + "h")).Kvs[0].ModRevision));
        RangeResponse second = await api.ListAsync(Pods, 4, first.Kvs[^1].Key.ToStringUtf8(), revision);
        Page("second page", second);
        Page("last page", await api.ListAsync(Pods, 4, second.Kvs[^1].Key.ToStringUtf8(), revision));
        Page("an old one", await api.GetAsync(Pods + "h", revision));
        story.Add($"count: {await api.CountAsync(Pods)} {await api.CountAsync("/registry/none/")}");

        // The watch cache goes on behind the list, and asks how far it is.
        await using (EtcdGrpcStream<WatchRequest, WatchResponse> watch = await api.WatchAsync(Pods, revision + 1))
        {
            story.Add($"watch: created {(await watch.ReadAsync())!.Created}");
            story.AddRange(await Events(watch, 2));
            Tell("while watching", await api.PutAsync(Pods + "b", "x", (await api.GetAsync(Pods + "b")).Kvs[0].ModRevision));
            story.AddRange(await Events(watch, 1));
            await api.PutAsync("/registry/other/x", "1", 0);
            WatchResponse progress;
            do
            {
                // etcd answers only when the watch is synced; so does the cache's loop, every 100 ms.
                await watch.WriteAsync(new WatchRequest { ProgressRequest = new WatchProgressRequest() });
                progress = (await watch.ReadAsync())!;
            }
            while (progress.Header.Revision < revision + 4);
            story.Add($"progress: watch {progress.WatchId} at {progress.Header.Revision} events {progress.Events.Count}");
        }

        // Events share a lease, and go with it.
        long lease = (await api.GrantAsync(3660)).ID;
        Tell("event", await api.PutAsync("/registry/events/e1", "1", 0, lease));
        Tell("event", await api.PutAsync("/registry/events/e2", "2", 0, lease));
        await api.RevokeAsync(lease);
        story.Add($"events: {await api.CountAsync("/registry/events/")}");

        // Two servers compact: at the first turn nobody knows how far, later one of them compacts up to the turn before.
        (long turn, long compactTo, bool ours) = await api.CompactAsync(0, 0);
        story.Add($"turn {turn} {ours}");
        story.Add($"the other one: {await api.CompactAsync(0, 0)}");
        story.Add($"turn {await api.CompactAsync(turn, compactTo)}");
        story.Add($"the other one: {await api.CompactAsync(turn, compactTo)}");
        try
        {
            await api.ListAsync(Pods, 4, first.Kvs[^1].Key.ToStringUtf8(), revision);
        }
        catch (EtcdRpcException e)
        {
            story.Add($"list again at {revision}: {e.Status} {e.Message}"); // Kubernetes makes a 410 of it, and begins anew.
        }

        await using (EtcdGrpcStream<WatchRequest, WatchResponse> watch = await api.WatchAsync(Pods, revision + 1))
        {
            story.Add($"old watch: created {(await watch.ReadAsync())!.Created}");
            WatchResponse gone = (await watch.ReadAsync())!;
            story.Add($"old watch: canceled {gone.Canceled} compacted {gone.CompactRevision}");
        }

        return story;
    }

    private static string Kv(KeyValue kv) =>
        $"{kv.Key.ToStringUtf8()}={kv.Value.ToStringUtf8()}({kv.CreateRevision},{kv.ModRevision},{kv.Version},{(kv.Lease == 0 ? "-" : "leased")})";

    // How events are spread over responses is the server's choice.
    private static async Task<List<string>> Events(EtcdGrpcStream<WatchRequest, WatchResponse> watch, int count)
    {
        var events = new List<string>();
        while (events.Count < count)
        {
            WatchResponse response = (await watch.ReadAsync())!;
            events.AddRange(response.Events.Select(e => $"event: {e.Type} {Kv(e.Kv)} before {(e.PrevKv is null ? "-" : Kv(e.PrevKv))}"));
        }

        return events;
    }
}
