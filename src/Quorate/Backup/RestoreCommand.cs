using System.CommandLine;
using Quorate.Cli;
using Quorate.Core;
using Quorate.Host;
using Quorate.Node.Files;
using Quorate.Replication;
using Quorate.Settings;
using Quorate.StateMachines.KeyValue;

namespace Quorate.Backup;

/// <summary><c>quorate restore</c>: the data directory of one member of a new cluster, from a snapshot (etcd's too) or a directory of backups.</summary>
internal static class RestoreCommand
{
    private static readonly SettingKey[] Keys =
    [
        SettingKeys.Name, SettingKeys.DataDir, SettingKeys.InitialCluster, SettingKeys.InitialClusterToken, SettingKeys.AdvertisePeerUrls,
    ];

    /// <summary>Creates the verb.</summary>
    public static Command Create()
    {
        var source = new Argument<string>("source") { Description = "A snapshot, of Quorate or of etcd, or a directory that 'quorate backup' fills." };
        var revision = new Option<long>("--revision") { Description = "The state as of this revision. Default: the newest.", HelpName = "revision" };
        var skipHash = new Option<bool>("--skip-hash-check") { Description = "Take a snapshot without its SHA-256, as one copied from a disk." };
        var bump = new Option<long>("--bump-revision")
        {
            Description = "Revisions to skip, so that clients never see one twice; needs --mark-compacted.",
            HelpName = "revisions",
        };
        var mark = new Option<bool>("--mark-compacted") { Description = "Give up the history, so that watches of before start anew." };
        var verb = new Verb(
            "restore",
            "Make the data directory of a member of a new cluster. Run it for each member with the same source and the same --initial-cluster, "
            + "then start them. Exit code 12 if the source is damaged: nothing is made of it.",
            "quorate restore backup.db --data-dir ./restored",
            "quorate restore ./backups --revision 1000 --name a --initial-cluster a=http://127.0.0.1:2380,b=http://127.0.0.1:22380 "
            + "--initial-advertise-peer-urls http://127.0.0.1:2380 --data-dir ./a")
        {
            source, revision, skipHash, bump, mark,
        };
        var flags = new List<(SettingKey Key, Option<string?> Option)>();
        foreach (SettingKey key in Keys)
        {
            var option = new Option<string?>("--" + key.Flag) { Description = key.Help, HelpName = key.Value };
            flags.Add((key, option));
            verb.Add(option);
        }

        verb.SetAction(parsed =>
        {
            var problems = new List<string>();
            ServerSettings settings = SettingsBuilder.Build(
                SettingsDefaults.Start, problems, flags
                    .Where(flag => parsed.GetResult(flag.Option) is { Implicit: false })
                    .Select(flag => new RawSetting(flag.Key, parsed.GetValue(flag.Option) ?? "", "--" + flag.Key.Flag)));
            long skipped = parsed.GetValue(bump);
            if (skipped < 0) { problems.Add($"--bump-revision is {skipped}; the least is 0."); }
            if (skipped > 0 != parsed.GetValue(mark)) { problems.Add("--mark-compacted required if --bump-revision"); }
            if (problems.Count > 0) { throw new CliException(ExitCode.Usage, string.Join(Environment.NewLine, problems)); }

            RestorePlan plan = RestorePlan.Of(parsed.GetValue(source)!, parsed.GetValue(revision), parsed.GetValue(skipHash));
            if (plan.Continued == settings.Cluster.Value)
            {
                throw new CliException(
                    ExitCode.Usage,
                    $"the new cluster would have the id of the one that was backed up ({settings.Cluster.Value:x16}), and its backups would be taken for a continuation of the old "
                    + "history. Give --initial-cluster-token a value of its own, here and when the members are started.");
            }

            long current = checked(plan.Revision + skipped);
            long versions = Restore(settings, plan, current, parsed.GetValue(mark) ? current : plan.Compacted);
            parsed.InvocationConfiguration.Output.WriteLine(
                $"Restored {versions} versions as of revision {plan.Revision} to {settings.DataDir}: member {settings.Self.Id.Value:x16} of cluster {settings.Cluster.Value:x16}.");
            if (plan.Advice is { } advice) { parsed.InvocationConfiguration.Error.WriteLine(advice); }
            return (int)ExitCode.Ok;
        });
        return verb;
    }

    private static long Restore(ServerSettings settings, RestorePlan plan, long current, long compacted)
    {
        string directory = Path.GetFullPath(settings.DataDir);
        if (File.Exists(directory) || (Directory.Exists(directory) && Directory.EnumerateFileSystemEntries(directory).Any()))
        {
            throw new CliException(ExitCode.Precondition, $"data-dir \"{settings.DataDir}\" not empty or could not be read");
        }

        NodeConfig config = ServerHost.NodeOptions(
            settings, ClusterStart.Founding(settings), ServerHost.PeerOptions(settings, tls: null)).Node;
        long versions = 0;
        var random = new Prng(BitConverter.ToUInt64(System.Security.Cryptography.RandomNumberGenerator.GetBytes(8)));
        DataDirectorySeed.Create(
            new RealFileSystem(directory), config,
            (store, pause) =>
            {
                var import = new KvImport(store, plan.Revision);
                plan.Fill(import, pause);
                import.Finish(current, compacted, pause);
                versions = import.Versions;
            },
            random);
        return versions;
    }
}
