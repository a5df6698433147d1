using Quorate.Core;
using Quorate.Replication;
using Quorate.StateMachines.KeyValue;

namespace Quorate.FrontDoors.Etcd;

// What /health, /livez and /readyz ask.
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
            level, new EtcdCall(RequireLeader: false, stop), allowedOnLearner: level == ReadLevel.Local).ConfigureAwait(false);
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
}
