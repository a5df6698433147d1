using System.Collections.Immutable;
using Quorate.Core;
using Quorate.FrontDoors.Etcd.Protos;
using Quorate.Node;
using Quorate.Replication;
using Quorate.StateMachines.KeyValue;

namespace Quorate.FrontDoors.Etcd;

// etcdserverpb.Cluster and Maintenance: what the node says of itself.
internal sealed partial class EtcdService
{
    public async ValueTask<EtcdResult> MemberList(MemberListRequest request, EtcdCall call)
    {
        ReadLevel level = request.Linearizable ? ReadLevel.Linearizable : ReadLevel.Local;
        (IReadView? view, EtcdError? error) = await Read(level, call, allowedOnLearner: false).ConfigureAwait(false);
        view?.Dispose();
        if (error is not null) { return error; }

        // Answers of the Cluster service carry no revision (etcd).
        var response = new MemberListResponse { Header = Header(revision: 0) };
        ShardStatus? status = _node.StatusOf(_shard);
        ImmutableArray<ReplicaPlace> places = status is null ? [] : status.Members;
        foreach (ReplicaPlace place in places)
        {
            EtcdMember member = _options.Members(place.Node) ?? EtcdMember.Unknown;
            var entry = new Member
            {
                ID = place.Node.Value,
                Name = member.Name,
                IsLearner = status!.IsLearner && place.Node == _node.Node,
            };
            entry.PeerURLs.AddRange(member.PeerUrls);
            entry.ClientURLs.AddRange(member.ClientUrls);
            response.Members.Add(entry);
        }

        return EtcdResult.Of(response);
    }

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
