using Google.Protobuf;
using Quorate.Cli;
using Quorate.Core;
using Quorate.FrontDoors.Etcd;
using Quorate.FrontDoors.Etcd.Client;
using Quorate.FrontDoors.Etcd.Protos;
using Quorate.StateMachines.KeyValue;

namespace Quorate.Backup;

/// <summary>Takes one backup. Whatever cuts it off, the catalogue names whole files only, and the next run goes on from there.</summary>
internal static class BackupRun
{
    private static readonly TimeSpan CallTime = TimeSpan.FromSeconds(10);

    /// <summary>Adds what has changed since the last backup, or everything.</summary>
    /// <param name="client">The cluster.</param>
    /// <param name="path">The directory; made if it is not there.</param>
    /// <param name="stop">Gives up.</param>
    /// <exception cref="CliException">No server was reached, or another run is under way.</exception>
    /// <exception cref="CliException">The member that answered has not come as far as the cluster. Nothing was changed.</exception>
    /// <exception cref="CorruptFileException">The catalogue is damaged, or what came is. Nothing was changed.</exception>
    public static async Task<BackupEntry> OnceAsync(EtcdGrpcClient client, string path, CancellationToken stop)
    {
        using FileStream held = Hold(path);
        BackupDirectory directory = BackupDirectory.Read(path);
        AddForgotten(directory);
        string name = directory.NextName();

        // A snapshot is one member's own state. If it lagged, or was cut off, what it lacks would be missing in the newest backup.
        long least = (await Calls.RunAsync(() => client.CallAsync(
            EtcdMethods.Range, new RangeRequest { Key = ByteString.CopyFrom(0), CountOnly = true }, CallTime, stop))).Header.Revision;
        long since = directory.Entries is [.., { } last] ? last.Header.Revision : 0;
        KvDumpHeader header = await Calls.RunAsync(async () =>
        {
            try
            {
                return await DumpDownload.SaveAsync(client, directory.Files, name, since, stop);
            }
            catch (EtcdRpcException e) when (since > 0 && e.Status == GrpcStatus.OutOfRange)
            {
                // Compacted in between, or another cluster that has not come as far.
                return await DumpDownload.SaveAsync(client, directory.Files, name, since: 0, stop);
            }
        });

        if (!directory.Continues(header))
        {
            // The changes of another cluster: they continue nothing here.
            directory.Files.Delete(name);
            header = await Calls.RunAsync(() => DumpDownload.SaveAsync(client, directory.Files, name, since: 0, stop));
        }

        if (header.Revision < least)
        {
            directory.Files.Delete(name);
            throw new CliException(
                ExitCode.CannotConnect, $"the member that was asked is at revision {header.Revision}, the cluster at {least} or later. Nothing was added; try again, or another of --endpoints.");
        }

        directory.Add(name, header, DateTime.UtcNow);
        return directory.Entries[^1];
    }

    // A crash between a file's name and the catalogue: the file is whole, so it counts.
    private static void AddForgotten(BackupDirectory directory)
    {
        foreach (string name in directory.Forgotten().ToArray())
        {
            string path = Path.Combine(directory.Files.Root, name);
            try
            {
                (KvDumpHeader header, _) = DumpFile.Verify(path);
                if (directory.Continues(header)) { directory.Add(name, header, File.GetLastWriteTimeUtc(path)); }
            }
            catch (CorruptFileException)
            {
                // Not ours, or damaged: it stays as it is, and out of the catalogue.
            }
        }
    }

    private static FileStream Hold(string path)
    {
        if (OperatingSystem.IsWindows()) { Directory.CreateDirectory(path); }
        else { Directory.CreateDirectory(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute); }
        try
        {
            return new FileStream(Path.Combine(path, "lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException e)
        {
            throw new CliException(ExitCode.Precondition, $"another backup to {path} is under way, or it cannot be written: {e.Message}", e);
        }
    }
}
