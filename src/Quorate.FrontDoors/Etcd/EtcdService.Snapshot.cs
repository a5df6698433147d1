using System.Security.Cryptography;
using Google.Protobuf;
using Quorate.Core;
using Quorate.FrontDoors.Etcd.Protos;
using Quorate.Replication;
using Quorate.StateMachines.KeyValue;

namespace Quorate.FrontDoors.Etcd;

// etcdserverpb.Maintenance/Snapshot: this member's keyspace as of one revision, in our own format; its SHA-256 last, as clients expect.
internal sealed partial class EtcdService
{
    /// <remarks>
    /// One view is held while the client reads, so writes go on, and what it needs stays on the disk; in memory is a frame. The dump is
    /// measured first: clients are told what is to come.
    /// </remarks>
    public async ValueTask<EtcdError?> Snapshot(IEtcdStream stream, EtcdCall call)
    {
        StreamRead read = await stream.ReadAsync(call.Stop).ConfigureAwait(false);
        if (read.Request is not SnapshotRequest request) { return read.Error ?? EtcdErrors.CutShort; }
        (IReadView? view, EtcdError? error) = await Read(
            ReadLevel.Local, call, allowedOnLearner: true, KvNeeds.Root).ConfigureAwait(false);
        if (view is null) { return error; }
        using (view)
        {
            KvRefusal refusal = KvDumpWriter.Begin(
                view, _node.Cluster.Value, request.SinceRevision, $"quorate {EtcdVersion.Server}", out KvDumpWriter? writer);
            if (writer is null) { return EtcdErrors.Of(refusal); }
            using (writer) { await Send(stream, writer, KvDumpWriter.Measure(view, writer.Header), call).ConfigureAwait(false); }
        }

        return null;
    }

    private static async ValueTask Send(IEtcdStream stream, KvDumpWriter writer, long left, EtcdCall call)
    {
        using var sha = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var frame = new ByteWriter(128 * 1024);
        while (writer.MoveNext(frame))
        {
            left -= frame.Length;
            sha.AppendData(frame.Written);
            var response = new SnapshotResponse
            {
                Blob = ByteString.CopyFrom(frame.Written),
                RemainingBytes = (ulong)left,
                Version = SnapshotVersion,
            };
            frame.Clear();
            await stream.WriteAsync(response, call.Stop).ConfigureAwait(false);
            await stream.FlushAsync(call.Stop).ConfigureAwait(false);
        }

        var last = new SnapshotResponse { Blob = ByteString.CopyFrom(sha.GetHashAndReset()), Version = SnapshotVersion };
        await stream.WriteAsync(last, call.Stop).ConfigureAwait(false);
    }

    // Of the format: etcd's own version would promise a file that etcd can restore.
    private const string SnapshotVersion = "quorate-dump-1";
}
