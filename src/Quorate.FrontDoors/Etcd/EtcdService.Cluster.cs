using System.Collections.Immutable;
using Quorate.Core;
using Quorate.FrontDoors.Etcd.Protos;
using Quorate.Replication;

namespace Quorate.FrontDoors.Etcd;

// etcdserverpb.Cluster: the members.
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
}
