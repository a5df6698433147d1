using System.Runtime.CompilerServices;
using Xunit;

namespace Quorate.Tests.Raft.Scripts;

/// <summary>Raft told as conversations: each .txt file beside this one is a script with the output it must give.</summary>
/// <remarks>
/// After a wanted change of behaviour, run with QUORATE_REWRITE=1 and read the difference that git shows, line by line: the
/// recorded text is the claim. <see cref="ScriptSafety"/> holds in either mode.
/// </remarks>
public sealed class RaftScripts
{
    private static readonly bool IsRewriting = Environment.GetEnvironmentVariable("QUORATE_REWRITE") == "1";

    // So that no scenario vanishes unseen. First those that answer etcd-io/raft's interaction tests, one for each of their
    // facts (the script's header says which where our name differs), then our own.
    private static readonly string[] Scenarios =
    [
        "single_node", "campaign", "prevote", "checkquorum", "prevote_checkquorum", "campaign_learner_must_vote",
        "forget_leader", "forget_leader_prevote_checkquorum", "forget_leader_lease_reads",
        "membership_add_single_auto", "membership_remove_leader", "membership_remove_leader_stepdown",
        "membership_add_single_explicit", "membership_add_double_auto", "membership_add_single_implicit",
        "membership_replace_leader", "membership_replace_leader_stepdown", "membership_one_at_a_time",
        "probe_and_replicate", "heartbeat_reply_recovers_from_probing", "replicate_pause",
        "slow_follower_after_compaction", "lagging_commit", "snapshot_of_everything", "snapshot_older_than_log",
        "async_storage_writes", "async_append_aba",

        "async_deposed_leader", "async_snapshot", "async_vote_waits_for_disk", "bytes_in_flight",
        "commit_not_beyond_shared_log", "commit_only_own_term", "committed_bytes", "entries_outlive_minority_crash",
        "joint_election", "leader_unreachable", "lease_after_failed_transfer", "lease_holds_back_campaigns",
        "membership_auto_leave_by_next_leader", "membership_change_outlives_its_leader",
        "membership_demote_in_joint", "membership_needs_own_term", "membership_promote_learner",
        "membership_remove_leader_async", "newcomer_of_young_group", "partitioned_replica_returns", "read_index",
        "read_index_drops", "read_index_from_follower", "read_index_lease", "read_index_needs_majority",
        "read_index_single_node", "read_index_waits_for_own_term", "removed_replica_disturbs_nobody",
        "restart_remembers", "single_node_waits_for_its_disk", "snapshot_fails", "snapshot_is_stale",
        "snapshot_meets_matching_log", "snapshot_replaces_diverged_log", "snapshot_with_joint_membership",
        "stale_messages", "transfer_leadership", "transfer_leadership_by_follower", "transfer_leadership_race",
        "transfer_leadership_times_out", "uncommitted_bytes", "vote_tells_what_is_committed",
    ];

    public static TheoryData<string> Files => [.. FilesOnDisk()];

    [Theory]
    [MemberData(nameof(Files))]
    public void Raft_does_what_the_script_says(string name)
    {
        string path = Path.Combine(Folder(), name + ".txt");
        ScriptFile script = ScriptFile.Parse(name, File.ReadAllText(path));
        ScriptInterpreter interpreter = new();
        List<IReadOnlyList<string>> outputs = [];
        List<string> differences = [];
        foreach (ScriptPart part in script.Parts)
        {
            if (part.Expected is null) { continue; }
            IReadOnlyList<string> output = RunBlock(interpreter, name, part);
            outputs.Add(output);
            if (!output.SequenceEqual(part.Expected))
            {
                differences.Add($"{name}.txt, line {part.Line}: {part.Text}\n{ScriptDiff.Of(part.Expected, output)}");
            }
        }

        if (IsRewriting && differences.Count > 0)
        {
            File.WriteAllText(path, script.Render(outputs));
            return;
        }

        // Later differences mostly follow from the first.
        Assert.True(differences.Count == 0, string.Join("\n\n", differences.Take(3)));
    }

    [Fact]
    public void Every_scenario_has_a_script_and_every_script_is_listed() =>
        Assert.Equal(Scenarios.Order(StringComparer.Ordinal), FilesOnDisk());

    private static IReadOnlyList<string> RunBlock(ScriptInterpreter interpreter, string name, ScriptPart part)
    {
        try
        {
            return interpreter.Run(part.Text);
        }
        catch (Exception problem)
        {
            string trace = string.Join('\n', interpreter.TakeTrace());
            throw new InvalidOperationException(
                $"{name}.txt, line {part.Line}: {part.Text}: {problem.Message}\n{trace}", problem);
        }
    }

    private static IEnumerable<string> FilesOnDisk() =>
        Directory.EnumerateFiles(Folder(), "*.txt")
            .Select(static path => Path.GetFileNameWithoutExtension(path))
            .Order(StringComparer.Ordinal);

    private static string Folder([CallerFilePath] string thisFile = "") => Path.GetDirectoryName(thisFile)!;
}
