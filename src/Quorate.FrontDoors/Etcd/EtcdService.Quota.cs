using Quorate.Core;
using Quorate.Replication;
using Quorate.StateMachines.KeyValue;

namespace Quorate.FrontDoors.Etcd;

// The quota: looked at before a request is proposed, as in etcd. The alarm is replicated; the machine then refuses for all members.
internal sealed partial class EtcdService
{
    // etcd's allowances for what a key and a lease take beside their bytes.
    private const long KeyOverheadBytes = 256;
    private const long CostOfLease = 64 + KeyOverheadBytes;

    private static long CostOfPut(long keyBytes, long valueBytes) => KeyOverheadBytes + keyBytes + valueBytes;

    // The dearer of both lists. Puts of inner transactions count too, unlike in etcd.
    private static long CostOf(KvCommand.Txn txn) => Math.Max(txn.Success.Sum(CostOf), txn.Failure.Sum(CostOf));

    private static long CostOf(KvCommand.Op operation) => operation switch
    {
        KvCommand.Put put => CostOfPut(put.Key.Length, put.Value.Length),
        KvCommand.Txn txn => CostOf(txn),
        _ => 0,
    };

    private bool ExceedsQuota(long bytes) =>
        Quota is > 0 and var quota && _node.StatusOf(_shard) is { } status && status.DiskBytes + bytes >= quota;

    // A keyspace's own, as it is now; else that of the server, which then holds for each keyspace by itself.
    private long Quota => _node.Keyspaces.Find(_shard) is { QuotaBytes: > 0 and var own } ? own : _options.QuotaBytes;

    // Whoever may not write may not raise it either.
    private async ValueTask<EtcdResult> RefuseForSpace(EtcdCall call, KvNeeds needs)
    {
        // Raised once: a client that goes on trying must not fill the log.
        var alarm = new KvAlarm(_node.Node.Value, KvAlarmType.NoSpace);
        (IReadView? view, EtcdError? error) = await Read(
            ReadLevel.Local, call, allowedOnLearner: false, needs).ConfigureAwait(false);
        if (view is null) { return error!; }
        bool isRaised;
        using (view) { isRaised = KvQueries.Alarms(view).Contains(alarm); }
        if (!isRaised)
        {
            EtcdResult raised = await Propose(new KvCommand.Alarm(Raise: true, alarm.Member, alarm.Type), call with { IsMember = true }).ConfigureAwait(false);
            if (raised.Error is { } failed) { return failed; }
        }

        return EtcdErrors.NoSpace;
    }
}
