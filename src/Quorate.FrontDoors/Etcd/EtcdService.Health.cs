using Quorate.Core;
using Quorate.Raft;
using Quorate.Replication;
using Quorate.StateMachines.KeyValue;

namespace Quorate.FrontDoors.Etcd;

// What /health, /livez, /readyz and /metrics ask, and what automatic compaction does.
internal sealed partial class EtcdService
{
    /// <summary>Says why a read of that level fails now, or which alarm is raised, in etcd's words; null if all is well.</summary>
    /// <param name="level">Of the read.</param>
    /// <param name="isAlarming">True for an alarm that counts.</param>
    /// <param name="stop">Gives up.</param>
    public async ValueTask<string?> Unhealthy(ReadLevel level, Func<KvAlarmType, bool> isAlarming, CancellationToken stop)
    {
        if (level == ReadLevel.Linearizable && _node.StatusOf(_shard) is { Leader.IsNone: true }) { return "RAFT NO LEADER"; }
        (IReadView? view, EtcdError? error) = await Read(
            level, new EtcdCall(RequireLeader: false, stop), allowedOnLearner: level == ReadLevel.Local,
            KvNeeds.Nothing).ConfigureAwait(false);
        if (view is null) { return "RANGE ERROR:" + error!.Message; }
        using (view)
        {
            foreach (KvAlarm alarm in KvQueries.Alarms(view))
            {
                if (isAlarming(alarm.Type)) { return "ALARM " + EtcdErrors.NameOf(alarm.Type); }
            }
        }

        return null;
    }

    /// <summary>This node takes no votes and serves only reads of its own.</summary>
    public bool IsLearner => _node.StatusOf(_shard) is { IsLearner: true };

    /// <summary>This node leads, as far as it knows.</summary>
    public bool IsLeader => _node.StatusOf(_shard) is { Role: Role.Leader };

    /// <summary>Current and compacted revision of this node's own state; null if it has none now.</summary>
    public (long Current, long Compacted)? Revisions()
    {
        using IReadView? view = OpenLocal();
        return view is null ? null : (KvQueries.CurrentRevision(view), KvQueries.CompactedRevision(view));
    }

    /// <summary>Compacts on the server's own account.</summary>
    /// <returns>Null if it is compacted to there now, whoever did it; else why not.</returns>
    public async ValueTask<EtcdError?> CompactTo(long revision, CancellationToken stop)
    {
        EtcdResult result = await ProposeChecked(
            new KvCommand.Compact(revision, Physical: false), new EtcdCall(RequireLeader: false, stop) { IsMember = true }).ConfigureAwait(false);
        return result.Error is { } error && error != EtcdErrors.Compacted ? error : null;
    }
}
