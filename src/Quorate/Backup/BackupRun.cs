using Quorate.Cli;
using Quorate.Core;
using Quorate.FrontDoors.Etcd;
using Quorate.FrontDoors.Etcd.Client;
using Quorate.StateMachines.KeyValue;

namespace Quorate.Backup;

/// <summary>Takes one backup. Whatever cuts it off, the catalogue names whole files only, and the next run goes on from there.</summary>
internal static class BackupRun
{
    /// <summary>Adds what has changed since the last backup, or everything.</summary>
    /// <param name="client">The cluster.</param>
    /// <param name="path">The directory; made if it is not there.</param>
    /// <param name="stop">Gives up.</param>
    /// <exception cref="CliException">No server was reached, or another run is under way.</exception>
    /// <exception cref="CorruptFileException">The catalogue is damaged, or what came is. Nothing was changed.</exception>
    public static async Task<BackupEntry> OnceAsync(EtcdGrpcClient client, string path, CancellationToken stop)
    {
        using FileStream held = Hold(path);
        BackupDirectory directory = BackupDirectory.Read(path);
        AddForgotten(directory);
        string name = directory.NextName();
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
        Directory.CreateDirectory(path);
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
