using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using Quorate.Cli;
using Quorate.FrontDoors.Etcd.Client;
using Quorate.Node.Files;
using Quorate.StateMachines.KeyValue;

namespace Quorate.Backup;

/// <summary><c>quorate snapshot save|status</c>.</summary>
internal static class SnapshotCommand
{
    /// <summary>Creates the verb.</summary>
    public static Command Create() => new Verb(
        "snapshot", "Save the whole keyspace, with its history since the last compaction, to a file, and look at such files.",
        "quorate snapshot save backup.db", "quorate snapshot status backup.db")
    {
        Save(), Status(),
    };

    private static Verb Save()
    {
        var path = new Argument<string>("file") { Description = "A file that does not exist yet." };
        EndpointsOption endpoints = Common.Endpoints();
        var verb = new Verb(
            "save", "Save a snapshot of a running server. The file is checked before it gets its name.", "quorate snapshot save backup.db")
        {
            path, endpoints,
        };
        verb.SetAction(async (parsed, stop) =>
        {
            string full = Path.GetFullPath(parsed.GetValue(path)!);
            if (Path.Exists(full)) { throw new CliException(ExitCode.Precondition, $"{full} exists; name another file."); }
            using EtcdGrpcClient client = Common.Client(parsed, endpoints);
            KvDumpHeader header = await Calls.RunAsync(
                () => DumpDownload.SaveAsync(client, new RealFileSystem(Path.GetDirectoryName(full)!), Path.GetFileName(full), since: 0, stop));
            parsed.InvocationConfiguration.Output.WriteLine($"Snapshot of revision {header.Revision} saved at {parsed.GetValue(path)}");
            return (int)ExitCode.Ok;
        });
        return verb;
    }

    private static Verb Status()
    {
        var path = new Argument<string>("file") { Description = "A snapshot." };
        Option<string> format = Common.Format();
        var verb = new Verb(
            "status", "Read a snapshot from its first byte to its last and say what is in it. Exit code 12 if it is damaged.",
            "quorate snapshot status backup.db", "quorate snapshot status backup.db --format json")
        {
            path, format,
        };
        verb.SetAction(parsed =>
        {
            string file = parsed.GetValue(path)!;
            (KvDumpHeader header, ulong records) = DumpFile.Verify(file);
            long bytes = new FileInfo(file).Length;
            TextWriter output = parsed.InvocationConfiguration.Output;
            string cluster = header.Cluster.ToString("x16", CultureInfo.InvariantCulture);
            if (Common.IsJson(parsed, format))
            {
                output.WriteLine(new JsonObject
                {
                    ["cluster"] = cluster,
                    ["since"] = header.Since,
                    ["revision"] = header.Revision,
                    ["compacted"] = header.Compacted,
                    ["records"] = records,
                    ["bytes"] = bytes,
                    ["program"] = header.Program,
                }.ToJsonString());
                return (int)ExitCode.Ok;
            }

            output.WriteLine($"cluster    {cluster}");
            output.WriteLine(header.IsIncrement ? $"revisions  {header.Since + 1} to {header.Revision}" : $"revision   {header.Revision}");
            output.WriteLine($"compacted  {header.Compacted}");
            output.WriteLine($"records    {records}");
            output.WriteLine($"bytes      {bytes}");
            output.WriteLine($"written by {header.Program}");
            return (int)ExitCode.Ok;
        });
        return verb;
    }
}
