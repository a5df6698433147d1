using System.Diagnostics;
using System.Globalization;
using Google.Protobuf;
using Quorate.FrontDoors.Etcd.Client;
using Quorate.FrontDoors.Etcd.Protos;

namespace Quorate.Conformance.Tests.Faults;

/// <summary>Once all is mended: progress, and equal members.</summary>
internal static class Liveness
{
    /// <summary>
    /// Time that each member has to serve. Most of it is for TCP: what was cut for ten seconds may try again only after ten more.
    /// </summary>
    public static readonly TimeSpan Bound = TimeSpan.FromSeconds(40);

    /// <summary>Demands that every member takes a write and a linearizable read.</summary>
    /// <exception cref="LivenessException">One does not, within <see cref="Bound"/>.</exception>
    public static async Task DemandAsync(FaultCluster cluster, Journal journal)
    {
        var watch = Stopwatch.StartNew();
        for (int node = 0; node < cluster.Servers.Length; node++)
        {
            // One that was told to end a moment ago may serve for a moment more.
            await cluster.WaitUntilServingAsync(node, Bound - watch.Elapsed, CancellationToken.None);
        }

        await Task.WhenAll(cluster.Servers.Select(server => DemandAsync(server, journal, watch)));
    }

    /// <summary>Demands that all members hold the same keys, values and revisions.</summary>
    /// <exception cref="LivenessException">Two do not.</exception>
    public static async Task DemandAgreementAsync(FaultCluster cluster)
    {
        long revision = 0;
        RangeResponse? first = null;
        foreach (ServerProcess server in cluster.Servers)
        {
            // The linearizable read makes the member catch up; the serializable one is answered from what it holds itself.
            RangeResponse now = await AllAsync(server, 0, isSerializable: false);
            revision = Math.Max(revision, now.Header.Revision);
        }

        foreach (ServerProcess server in cluster.Servers)
        {
            RangeResponse own = await AllAsync(server, revision, isSerializable: true);
            first ??= own;
            if (!own.Kvs.Equals(first.Kvs) || own.Header.Revision != first.Header.Revision)
            {
                throw new LivenessException(string.Create(
                    CultureInfo.InvariantCulture,
                    $"{server.Name} differs from {cluster.Servers[0].Name} at revision {revision}: {own.Kvs.Count} and {first.Kvs.Count} keys, revisions {own.Header.Revision} and {first.Header.Revision}; first difference: {FirstDifference(own, first)}"));
            }
        }
    }

    private static async Task DemandAsync(ServerProcess server, Journal journal, Stopwatch watch)
    {
        var key = ByteString.CopyFromUtf8("live/" + server.Name);
        while (watch.Elapsed < Bound)
        {
            using var client = new RecordedClient(new GrpcStoreClient([server.Endpoint], TimeSpan.FromSeconds(5)), journal);
            (_, PutResponse? put) = await client.CallAsync<PutResponse>(new PutRequest { Key = key, Value = key });
            if (put is not null && (await client.CallAsync<RangeResponse>(new RangeRequest { Key = key })).Answer is not null) { return; }
            await Task.Delay(50);
        }

        throw new LivenessException($"{server.Name} does not serve {Bound.TotalSeconds} s after all was mended:\n{server.Log}");
    }

    private static async Task<RangeResponse> AllAsync(ServerProcess server, long revision, bool isSerializable)
    {
        using var client = new EtcdGrpcClient([server.Endpoint]);
        var everything = new RangeRequest
        {
            Key = ByteString.CopyFrom(0),
            RangeEnd = ByteString.CopyFrom(0),
            Revision = revision,
            Serializable = isSerializable,
        };
        try
        {
            return await client.CallAsync(EtcdMethods.Range, everything, Bound);
        }
        catch (EtcdRpcException e)
        {
            throw new LivenessException($"{server.Name} does not tell what it holds: {e.Message}\n{server.Log}");
        }
    }

    private static string FirstDifference(RangeResponse one, RangeResponse other)
    {
        int at = one.Kvs.Zip(other.Kvs).TakeWhile(pair => pair.First.Equals(pair.Second)).Count();
        return $"{(at < one.Kvs.Count ? one.Kvs[at] : "end")} and {(at < other.Kvs.Count ? other.Kvs[at] : "end")}";
    }
}

/// <summary>The cluster does not do what it must once nothing is in its way.</summary>
internal sealed class LivenessException(string message) : Exception(message);
