using Quorate.Core;
using Quorate.Raft;

namespace Quorate.Replication;

/// <summary>
/// A replica whose files are damaged is filled anew by its peers. The damaged generation is set aside, and the replica begins as if its
/// disk had gone back to the start: with its term and vote, but without log and state. So it asks what it had promised (RaftCore.Recall),
/// this time without a limit, and gets a snapshot like any that joins. Its part of the node's log stays until that is installed.
/// </summary>
internal sealed partial class Replica
{
    private RepairMark? _mark;
    private bool _isUnmarking;

    /// <summary>True while it has no state to be read: what was there is damaged, and the snapshot is not here yet.</summary>
    public bool IsBlank { get; private set; }

    /// <summary>The last number of a generation that is in use, or about to be.</summary>
    public int LastGeneration => _lastGeneration;

    /// <summary>What it stands by whatever happens to its files.</summary>
    public HardState KeptState => new(_raft.Status.Term, _raft.Status.Vote, LogIndex.Zero);

    /// <summary>Takes the place of a replica in the same run of the node: what that one asked is not mistaken for ours.</summary>
    public void Replace(Replica damaged)
    {
        _pending.ContinueAfter(damaged._pending);
        _lastContext = damaged._lastContext;
        ContinueChecks(damaged);
        (ScrubbedBytes, ScrubDamage) = (damaged.ScrubbedBytes, damaged.ScrubDamage);
    }

    private static RaftState BlankState(HardState kept) => new(
        kept with { Commit = LogIndex.Zero }, new SnapshotMeta(LogPosition.Zero, Membership.Empty), [], LogIndex.Zero);

    private void TickRepair()
    {
        if (_mark is null || _isUnmarking || IsBlank || !_raft.HoldsWhatItPromised) { return; }
        _isUnmarking = true;
        _node.Run(new FileJob(
            $"{Shard} delete damaged files",
            () =>
            {
                RepairMark.Delete(Files, Directory);
                ReplicaStore.DeleteQuarantine(Files, Directory);
            },
            failure =>
            {
                if (failure is not null && !FileJob.IsSurvivable(failure)) { throw failure; }
                _isUnmarking = false;
                if (failure is not null) { return; }
                _mark = null;
                Probes.Refilled.Hit();
                _node.Report(Shard, "replica-healed", $"replica={Id} index={_engine.Applied.Index}");
            }));
    }
}
