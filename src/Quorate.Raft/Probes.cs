using Quorate.Core;

namespace Quorate.Raft;

/// <summary>Rare paths that simulated runs must reach.</summary>
internal static class Probes
{
    public static readonly CodeProbe Truncated = new("raft: entries that conflict with the leader's are dropped");
    public static readonly CodeProbe WriteCutOff = new("raft: a write on its way loses entries to a truncation");
    public static readonly CodeProbe SkipsTerms = new("raft: a refusal skips whole terms");
    public static readonly CodeProbe OldTermCounted = new("raft: a majority holds an entry of an older term, which must not count");
    public static readonly CodeProbe LogBehind = new("raft: a vote is refused for a log that is behind");
    public static readonly CodeProbe VoteWithheld = new("raft: a vote is withheld while a leader lives");
    public static readonly CodeProbe StrangerTold = new("raft: a stranger that asks for votes is told what is committed");
    public static readonly CodeProbe TombstoneAsked = new("raft: a removed replica is asked for its vote");
    public static readonly CodeProbe LearnsFromVote = new("raft: a candidate learns of commits from a vote");
    public static readonly CodeProbe OutdatedMembers = new("raft: a candidate finds that it asked an outdated membership");
    public static readonly CodeProbe StaleLeader = new("raft: a leader of the past is told");
    public static readonly CodeProbe NoQuorum = new("raft: a leader steps down because it hears no majority");
    public static readonly CodeProbe LeaderRemoved = new("raft: a leader applies its own removal");
    public static readonly CodeProbe TransferTimesOut = new("raft: a transfer takes too long");
    public static readonly CodeProbe TransferCampaign = new("raft: the target of a transfer campaigns");
    public static readonly CodeProbe JointLeft = new("raft: a leader leaves a joint membership by itself");
    public static readonly CodeProbe SnapshotNotNeeded = new("raft: a snapshot holds only what the log has");
    public static readonly CodeProbe RecalledMore = new("raft: a replica learns at its start that it may have promised more than its disk shows");
    public static readonly CodeProbe RecallGaveUp = new("raft: a replica starts though not all could tell it what it has promised");
    public static readonly CodeProbe ForgotWhatItConfirmed = new("raft: a restarted replica refuses what it had confirmed");
    public static readonly CodeProbe ConfirmedByLastRun = new("raft: a restarted replica lets the leader compare what only its last run had confirmed");
    public static readonly CodeProbe FreeLeaderCommit = new("raft: a leader commits what its own disk does not hold yet");
}
