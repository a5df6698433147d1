using Google.Protobuf;
using Quorate.Core;
using Quorate.FrontDoors.Etcd;
using Quorate.FrontDoors.Etcd.Client;
using Quorate.FrontDoors.Etcd.Protos;
using Quorate.Node.Files;
using Quorate.StateMachines.KeyValue;

namespace Quorate.Backup;

/// <summary>Takes a dump from a server into a file.</summary>
internal static class DumpDownload
{
    /// <summary>Writes NAME.part, makes it durable, reads it back and checks it, and only then gives it its name, which must be free.</summary>
    /// <param name="client">The servers; the first that answers is taken.</param>
    /// <param name="files">The directory.</param>
    /// <param name="name">The file.</param>
    /// <param name="since">0: everything. Else the changes after this revision.</param>
    /// <param name="stop">Gives up; what came is left as the part.</param>
    /// <returns>What the dump says of itself.</returns>
    /// <exception cref="EtcdRpcException">The server refused, or broke off.</exception>
    /// <exception cref="CorruptFileException">What came is not what was sent.</exception>
    /// <exception cref="DiskException">The disk refused.</exception>
    public static async Task<KvDumpHeader> SaveAsync(
        EtcdGrpcClient client, RealFileSystem files, string name, long since, CancellationToken stop)
    {
        string part = name + ".part";
        Invariant.Holds(!files.Exists(name), $"{name} exists");
        for (int endpoint = 0; ; endpoint++)
        {
            if (files.Exists(part)) { files.Delete(part); }
            try
            {
                await ReceiveAsync(client, endpoint, files, part, since, stop);
                break;
            }
            catch (EtcdRpcException e) when (endpoint + 1 < client.Endpoints && e.Status == GrpcStatus.Unavailable)
            {
                // The next one.
            }
        }

        (KvDumpHeader header, _) = DumpFile.Verify(Path.Combine(files.Root, part));
        files.Rename(part, name);
        files.SyncDirectory("");
        return header;
    }

    private static async Task ReceiveAsync(
        EtcdGrpcClient client, int endpoint, RealFileSystem files, string part, long since, CancellationToken stop)
    {
        using IFile file = files.Open(part, OpenMode.Create);

        // All values and the passwords' hashes are in it; etcdctl's snapshots are their owner's only, too.
        if (!OperatingSystem.IsWindows()) { File.SetUnixFileMode(Path.Combine(files.Root, part), UnixFileMode.UserRead | UnixFileMode.UserWrite); }
        await using EtcdGrpcStream<SnapshotRequest, SnapshotResponse> stream =
            client.OpenStream(EtcdMethods.Snapshot, endpoint, requireLeader: false, stop);
        await stream.WriteAsync(new SnapshotRequest { SinceRevision = since });
        stream.Complete();
        long bytes = 0;
        while (await stream.ReadAsync() is { } response)
        {
            ByteString blob = response.Blob;
            file.Write(bytes, blob.Span);
            bytes += blob.Length;
        }

        file.Sync();
    }
}
