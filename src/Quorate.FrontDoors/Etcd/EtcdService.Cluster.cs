using System.Collections.Immutable;
using Google.Protobuf.Collections;
using Quorate.Core;
using Quorate.FrontDoors.Etcd.Protos;
using Quorate.Node;
using Quorate.Replication;
using Quorate.StateMachines.KeyValue;

namespace Quorate.FrontDoors.Etcd;

// etcdserverpb.Cluster: the members; and Maintenance's MoveLeader, which is about them too.
internal sealed partial class EtcdService
{
    private static readonly ShardId FirstShard = new(1);

    public async ValueTask<EtcdResult> MemberList(MemberListRequest request, EtcdCall call)
    {
        ReadLevel level = request.Linearizable ? ReadLevel.Linearizable : ReadLevel.Local;
        (IReadView? view, EtcdError? error) = await ReadMembers(level, call).ConfigureAwait(false);
        if (view is null) { return error!; }
        if (!IsDefault)
        {
            view.Dispose();
            ReadResult read = await _node.ReadAsync(MembersShard, level, call.Stop).ConfigureAwait(false);
            if (read.View is null) { return EtcdErrors.Of(read.Outcome); }
            view = read.View;
        }

        using (view)
        {
            var response = new MemberListResponse { Header = ClusterHeader() };
            AddMembers(response.Members, view);
            return EtcdResult.Of(response);
        }
    }

    public async ValueTask<EtcdResult> MemberAdd(MemberAddRequest request, EtcdCall call)
    {
        if (!AreUrls(request.PeerURLs)) { return EtcdErrors.MemberBadUrls; }
        (ulong id, EtcdError? error) = await ProposeMember(new KvCommand.MemberAdd(request.IsLearner, [.. request.PeerURLs]), call).ConfigureAwait(false);
        if (error is not null) { return error; }
        var response = new MemberAddResponse { Header = ClusterHeader() };
        await AddMembersNow(response.Members, call).ConfigureAwait(false);
        response.Member = response.Members.FirstOrDefault(member => member.ID == id) ?? new Member { ID = id, IsLearner = request.IsLearner };
        return EtcdResult.Of(response);
    }

    public async ValueTask<EtcdResult> MemberPromote(MemberPromoteRequest request, EtcdCall call)
    {
        (_, EtcdError? error) = await ProposeMember(new KvCommand.MemberPromote(request.ID), call).ConfigureAwait(false);
        if (error is not null) { return error; }
        var response = new MemberPromoteResponse { Header = ClusterHeader() };
        await AddMembersNow(response.Members, call).ConfigureAwait(false);
        return EtcdResult.Of(response);
    }

    public async ValueTask<EtcdResult> MemberUpdate(MemberUpdateRequest request, EtcdCall call)
    {
        // etcd 3.4 takes any text here; its peers could never connect to it.
        if (!AreUrls(request.PeerURLs)) { return EtcdErrors.MemberBadUrls; }
        (_, EtcdError? error) = await ProposeMember(new KvCommand.MemberUpdate(request.ID, [.. request.PeerURLs]), call).ConfigureAwait(false);
        if (error is not null) { return error; }
        var response = new MemberUpdateResponse { Header = ClusterHeader() };
        await AddMembersNow(response.Members, call).ConfigureAwait(false);
        return EtcdResult.Of(response);
    }

    public async ValueTask<EtcdResult> MemberRemove(MemberRemoveRequest request, EtcdCall call)
    {
        (_, EtcdError? error) = await ProposeMember(new KvCommand.MemberRemove(request.ID), call).ConfigureAwait(false);
        if (error is not null) { return error; }
        var response = new MemberRemoveResponse { Header = ClusterHeader() };
        await AddMembersNow(response.Members, call).ConfigureAwait(false);
        return EtcdResult.Of(response);
    }

    public async ValueTask<EtcdResult> MoveLeader(MoveLeaderRequest request, EtcdCall call)
    {
        if (Refusal(call, allowedOnLearner: false) is { } refusal) { return refusal; }
        if (_node.StatusOf(_shard) is not { } status || status.LeaderNode != _node.Node) { return EtcdErrors.NotLeader; }
        var to = new NodeId(request.TargetID);
        if (!status.Members.Any(member => member.Node == to) || status.Learners.Contains(to)) { return EtcdErrors.BadLeaderTransferee; }
        return to == _node.Node || await _node.HandOverAsync(_shard, to).ConfigureAwait(false)
            ? EtcdResult.Of(new MoveLeaderResponse())
            : EtcdErrors.LeaderTransferTimedOut;
    }

    // Members are those of the first shard, whichever keyspace is asked.
    private ShardId MembersShard => IsDefault ? _shard : new ShardId(1);

    private async ValueTask<(ulong Id, EtcdError? Error)> ProposeMember(KvCommand command, EtcdCall call)
    {
        if (!IsDefault) { return (0, EtcdErrors.OnlyInDefaultKeyspace); }
        EtcdResult result = await Propose(command, call).ConfigureAwait(false);
        return result.Response is MemberAddResponse { Member.ID: var id } ? (id, null) : (0, result.Error);
    }

    // As this node has applied it, its own command included. What was done is not undone by a node that stops in between.
    private async ValueTask AddMembersNow(RepeatedField<Member> members, EtcdCall call)
    {
        ReadResult read = await _node.ReadAsync(_shard, ReadLevel.Local, call.Stop).ConfigureAwait(false);
        if (read.View is not { } view) { return; }
        using (view) { AddMembers(members, view); }
    }

    // Who belongs to the group is said by Raft's membership, the rest by the records; both are of one view.
    private void AddMembers(RepeatedField<Member> members, IReadView view)
    {
        IEnumerable<ShardMember> places = ShardMembers.Read(view);
        if (!places.Any() && _node.StatusOf(MembersShard) is { } status)
        {
            // Before the first entry: a founder knows the group only from its settings.
            places = status.Members.Select(member => new ShardMember(member.Node, status.Learners.Contains(member.Node)));
        }

        foreach (ShardMember place in places)
        {
            MemberRecord? record = MemberQueries.Find(view, place.Node);
            EtcdMember known = record is not null
                ? new EtcdMember(record.Name, record.PeerUrls, record.ClientUrls)
                : _options.Members(place.Node) ?? EtcdMember.Unknown;
            var member = new Member { ID = place.Node.Value, Name = known.Name, IsLearner = place.IsLearner };
            member.PeerURLs.AddRange(known.PeerUrls);
            member.ClientURLs.AddRange(ClientUrls(place.Node, known));
            members.Add(member);
        }
    }

    // The records of members are the first shard's, whichever keyspace is asked; its groups follow that of the first.
    private async ValueTask<(IReadView? View, EtcdError? Error)> ReadMembers(ReadLevel level, EtcdCall call)
    {
        if (IsDefault) { return await Read(level, call, allowedOnLearner: false, KvNeeds.Nothing).ConfigureAwait(false); }
        if (Refusal(call, allowedOnLearner: false) is { } refusal) { return (null, refusal); }
        ReadResult read = await _node.ReadAsync(FirstShard, level, call.Stop).ConfigureAwait(false);
        return read.Outcome == RequestOutcome.Done ? (read.View, null) : (null, EtcdErrors.Of(read.Outcome));
    }

    // Clients connect to all URLs they are told. At the main URLs those of a keyspace's port would get another keyspace, and of the
    // other members' ports this member knows nothing.
    private ImmutableArray<string> ClientUrls(NodeId place, EtcdMember known) =>
        _options.KeyspaceUrls.IsEmpty ? known.ClientUrls : place == _node.Node ? _options.KeyspaceUrls : [];

    // Answers of the Cluster service carry no revision (etcd).
    private ResponseHeader ClusterHeader() => Header(revision: 0);

    // etcd's rules for peer URLs (types.NewURLs), but for unix sockets, on which members do not listen here.
    private static bool AreUrls(RepeatedField<string> urls) =>
        urls.Count is > 0 and <= MemberRecord.MaxUrls && urls.All(static text =>
            text.Length <= MemberRecord.MaxTextBytes && Uri.TryCreate(text, UriKind.Absolute, out Uri? url) && url.Scheme is "http" or "https" &&
            url.Host.Length > 0 && url.Port is > 0 && text.AsSpan(text.IndexOf("://", StringComparison.Ordinal) + 3).Contains(':') &&
            url.AbsolutePath is "/" && url.Query.Length == 0 && url.Fragment.Length == 0 && url.UserInfo.Length == 0);
}
