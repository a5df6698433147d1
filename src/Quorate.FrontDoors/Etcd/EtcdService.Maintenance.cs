using System.Collections.Immutable;
using Quorate.Core;
using Quorate.FrontDoors.Etcd.Protos;
using Quorate.Node;
using Quorate.Replication;
using Quorate.StateMachines.KeyValue;

namespace Quorate.FrontDoors.Etcd;

// etcdserverpb.Maintenance: what the node says of itself, and what is done with its space.
internal sealed partial class EtcdService
{
    public async ValueTask<EtcdResult> Status(StatusRequest request, EtcdCall call)
    {
        // The one RPC that answers whatever state this node is in.
        ReadResult read = await _node.ReadAsync(_shard, ReadLevel.Local, call.Stop).ConfigureAwait(false);
        long revision = 0;
        ImmutableArray<KvAlarm> alarms = [];
        if (read.View is { } view)
        {
            using (view) { (revision, alarms) = (KvQueries.CurrentRevision(view), KvQueries.Alarms(view)); }
        }

        var response = new StatusResponse
        {
            Header = Header(revision),
            Version = EtcdVersion.Server,
            StorageVersion = EtcdVersion.Cluster,
            DbSizeQuota = Quota,
            DowngradeInfo = new DowngradeInfo(),
        };
        if (_node.StatusOf(_shard) is { } status)
        {
            response.DbSize = status.DiskBytes;
            response.DbSizeInUse = status.DiskBytes;
            response.Leader = status.LeaderNode.Value;
            response.RaftIndex = status.Commit.Value;
            response.RaftTerm = status.Term.Value;
            response.RaftAppliedIndex = status.Applied.Value;
            response.IsLearner = status.IsLearner;
        }

        if (response.Leader == 0) { response.Errors.Add(EtcdErrors.NoLeader.Message); }
        foreach (KvAlarm alarm in alarms) { response.Errors.Add(EtcdErrors.AlarmText(alarm)); }
        return EtcdResult.Of(response);
    }

    public async ValueTask<EtcdResult> Alarm(AlarmRequest request, EtcdCall call)
    {
        var type = (KvAlarmType)request.Alarm;
        if (request.Action is AlarmRequest.Types.AlarmAction.Activate or AlarmRequest.Types.AlarmAction.Deactivate)
        {
            bool raise = request.Action == AlarmRequest.Types.AlarmAction.Activate;
            return await Propose(new KvCommand.Alarm(raise, request.MemberID, type), call).ConfigureAwait(false);
        }

        (IReadView? view, EtcdError? error) = await Read(ReadLevel.Linearizable, call, allowedOnLearner: false).ConfigureAwait(false);
        if (view is null) { return error!; }
        using (view)
        {
            return EtcdResult.Of(EtcdMessages.ToMessage(
                KvQueries.Alarms(view).Where(alarm => type == KvAlarmType.None || alarm.Type == type),
                Header(KvQueries.CurrentRevision(view))));
        }
    }
}
