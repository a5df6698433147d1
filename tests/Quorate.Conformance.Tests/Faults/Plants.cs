using Google.Protobuf;
using Quorate.FrontDoors.Etcd.Protos;

namespace Quorate.Conformance.Tests.Faults;

/// <summary>A bug that a test plants, to see whether the suite finds it.</summary>
/// <param name="Name">What it is.</param>
/// <param name="Wrap">Stands between every client and the servers; null if it is not there.</param>
/// <param name="RunAsync">Is done to the servers; null if nothing is.</param>
internal sealed record Plant(string Name, Func<IStoreClient, IStoreClient>? Wrap = null, Func<FaultScene, Task>? RunAsync = null)
{
    /// <summary>All of them. Each is a new one, since they count.</summary>
    public static Plant[] All()
    {
        var forgetful = new Counter();
        var stale = new Counter();
        return
        [
            new("a write is acknowledged and not done", client => new ForgetfulClient(client, forgetful)),
            new("a read is answered with what was true before", client => new StaleClient(client, stale)),
            new("all disks go back to what they held a while ago", RunAsync: OldDisksAsync),
        ];
    }

    // What a power cut of all nodes would leave of a cluster that acknowledges before it syncs.
    private static async Task OldDisksAsync(FaultScene scene)
    {
        long since = scene.Now;
        scene.Note("copy-disks", Enumerable.Range(0, scene.Nodes));
        await WhileDownAsync(scene, (directory, old) => DirectoryImage.Copy(directory, old));
        await Task.Delay(2000, CancellationToken.None);
        scene.Note("old-disks", Enumerable.Range(0, scene.Nodes));
        await WhileDownAsync(scene, (directory, old) =>
        {
            Directory.Delete(directory, recursive: true);
            Directory.Move(old, directory);
        });
        scene.Strike(since, true);
    }

    private static async Task WhileDownAsync(FaultScene scene, Action<string, string> work)
    {
        int[] nodes = [.. Enumerable.Range(0, scene.Nodes)];
        IDisposable[] down = [.. nodes.Select(scene.Cluster.KeepDown)];
        foreach (int node in nodes)
        {
            scene.Cluster.Kill(node);
            string directory = scene.Cluster.DataDirectoryOf(node);
            work(directory, directory + ".old");
        }

        foreach (IDisposable held in down) { held.Dispose(); }
        foreach (int node in nodes) { await scene.IsServingAsync(node); }
    }

    private sealed class Counter
    {
        private int _calls;

        /// <summary>True for one call of so many.</summary>
        public bool IsOneOf(int many) => Interlocked.Increment(ref _calls) % many == 0;
    }

    private sealed class ForgetfulClient(IStoreClient client, Counter counter) : IStoreClient
    {
        public string Name => client.Name;

        public async Task<IMessage> CallAsync(IMessage request)
        {
            if (request is not PutRequest put || !counter.IsOneOf(20)) { return await client.CallAsync(request); }
            var range = (RangeResponse)await client.CallAsync(new RangeRequest { Key = put.Key });
            return new PutResponse { Header = new ResponseHeader(range.Header) { Revision = range.Header.Revision + 1 } };
        }

        public void Dispose() => client.Dispose();
    }

    private sealed class StaleClient(IStoreClient client, Counter counter) : IStoreClient
    {
        private readonly Dictionary<ByteString, RangeResponse> _before = [];

        public string Name => client.Name;

        public async Task<IMessage> CallAsync(IMessage request)
        {
            if (request is not RangeRequest { RangeEnd.IsEmpty: true, Revision: 0, Serializable: false } range) { return await client.CallAsync(request); }
            if (_before.Remove(range.Key, out RangeResponse? stale) && counter.IsOneOf(5)) { return stale; }
            var answer = (RangeResponse)await client.CallAsync(request);
            _before[range.Key] = answer;
            return answer;
        }

        public void Dispose() => client.Dispose();
    }
}
