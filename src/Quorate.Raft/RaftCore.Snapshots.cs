using System.Collections.Immutable;
using Quorate.Core;

namespace Quorate.Raft;

/// <summary>Compaction and snapshots (Raft paper, section 7). The bytes of a snapshot are the host's affair.</summary>
public sealed partial class RaftCore
{
    /// <summary>Replicas whose next entries are gone from the log, or that have no membership yet, and that wait for a snapshot to be sent by the host. Sorted.</summary>
    public ImmutableArray<ReplicaId> SnapshotsWanted
    {
        get
        {
            ImmutableArray<ReplicaId>.Builder? wanted = null;
            foreach (Progress peer in _peers)
            {
                if (peer.Id == _id || peer.Leaving > 0 || !peer.WantsSnapshot(_log)) { continue; }
                (wanted ??= ImmutableArray.CreateBuilder<ReplicaId>()).Add(peer.Id);
            }

            return wanted?.ToImmutable() ?? [];
        }
    }

    /// <summary>Forgets entries up to and including an index that is applied and durable in the state machine's own files.</summary>
    /// <param name="index">At most the applied index.</param>
    public void CompactLog(LogIndex index)
    {
        Invariant.Holds(index <= _applied, $"compacting up to {index}, applied up to {_applied}");
        _log.Compact(index);
    }

    /// <summary>The host starts to send this snapshot to a follower; Raft pauses its log until the outcome is known.</summary>
    /// <param name="to">Ignored if it is nobody we send to.</param>
    /// <param name="position">The last entry the snapshot contains.</param>
    public void SnapshotStarted(ReplicaId to, LogPosition position)
    {
        if (to != _id && Peer(to) is { } peer) { peer.BecomeSnapshot(position.Index); }
    }

    /// <summary>The host finished, or gave up, sending a snapshot.</summary>
    /// <param name="to">Ignored if no snapshot is on its way to it.</param>
    /// <param name="succeeded">True if the follower has it; what it lacks after it comes from the log.</param>
    public void ReportSnapshot(ReplicaId to, bool succeeded)
    {
        if (Peer(to) is not { State: ProgressState.Snapshot } peer) { return; }
        if (succeeded) { peer.SnapshotArrived(); }
        else { peer.SnapshotFailed(); }

        // Its answer to the snapshot, or to the next heartbeat, wakes the probe: until then it is busy with it, or away.
        peer.BecomeProbe(pause: true);
    }

    private void FollowSnapshot(MessageHeader header, SnapshotMeta snapshot)
    {
        if (snapshot.Position.Index <= _commit)
        {
            AnswerAppend(header.From, _commit);
        }
        else if (_log.Matches(snapshot.Position))
        {
            Probes.SnapshotNotNeeded.Hit();

            // We hold all it contains. Its last entry is committed, by definition, so commit up to there and keep our log.
            CommitTo(snapshot.Position.Index);
            AnswerAppend(header.From, snapshot.Position.Index);
        }
        else
        {
            Restore(snapshot);
            AnswerAppend(header.From, snapshot.Position.Index);
        }
    }

    private void Restore(SnapshotMeta snapshot)
    {
        _log.Restore(snapshot.Position);
        _persists.CutAfter(LogIndex.Zero); // Nothing written before is part of the log any more.
        _commit = snapshot.Position.Index;
        _applied = _commit;
        _handedOut = _commit;
        _membership = snapshot.Membership;
        _receivedSnapshot = snapshot;
    }
}
