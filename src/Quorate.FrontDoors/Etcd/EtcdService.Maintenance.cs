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
        if (read.View is { } view)
        {
            using (view) { revision = KvQueries.CurrentRevision(view); }
        }

        var response = new StatusResponse
        {
            Header = Header(revision),
            Version = EtcdVersion.Server,
            StorageVersion = EtcdVersion.Cluster,
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
        return EtcdResult.Of(response);
    }

    public async ValueTask<EtcdResult> Alarm(AlarmRequest request, EtcdCall call)
    {
        // There is no alarm that could be raised yet: the list is empty, and disarming leaves it so.
        if (request.Action == AlarmRequest.Types.AlarmAction.Activate)
        {
            return new EtcdError(GrpcStatus.Unimplemented, "alarms cannot be raised by hand");
        }

        (IReadView? view, EtcdError? error) = await Read(ReadLevel.Local, call, allowedOnLearner: false).ConfigureAwait(false);
        if (view is null) { return error!; }
        using (view) { return EtcdResult.Of(new AlarmResponse { Header = Header(KvQueries.CurrentRevision(view)) }); }
    }
}
