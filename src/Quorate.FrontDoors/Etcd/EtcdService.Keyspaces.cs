using Quorate.Core;
using Quorate.FrontDoors.Etcd.Protos;
using Quorate.Node;
using Quorate.Replication;
using Quorate.StateMachines.KeyValue;

namespace Quorate.FrontDoors.Etcd;

// keyspacepb.Keyspaces. The list of keyspaces is state of the first shard, so only the default keyspace's service serves it.
internal sealed partial class EtcdService
{
    public ValueTask<EtcdResult> KeyspaceCreate(KeyspaceCreateRequest request, EtcdCall call) =>
        ProposeKeyspace(new KvCommand.KeyspaceCreate(request.Name, request.QuotaBytes), call);

    public ValueTask<EtcdResult> KeyspaceUpdate(KeyspaceUpdateRequest request, EtcdCall call) =>
        ProposeKeyspace(new KvCommand.KeyspaceUpdate(request.Name, request.QuotaBytes), call);

    public ValueTask<EtcdResult> KeyspaceDelete(KeyspaceDeleteRequest request, EtcdCall call) =>
        ProposeKeyspace(new KvCommand.KeyspaceDelete(request.Name), call);

    public async ValueTask<EtcdResult> KeyspaceList(KeyspaceListRequest request, EtcdCall call)
    {
        if (!IsDefault) { return EtcdErrors.OnlyInDefaultKeyspace; }
        (IReadView? view, EtcdError? error) = await Read(
            ReadLevel.Linearizable, call, allowedOnLearner: false, KvNeeds.Root).ConfigureAwait(false);
        if (view is null) { return error!; }
        KeyspaceListResponse response;
        KeyspaceList list;
        using (view)
        {
            list = KeyspaceQueries.All(view);
            response = new KeyspaceListResponse { Header = Header(KvQueries.CurrentRevision(view)) };
        }

        response.Keyspaces.Add(await Describe(KeyspaceRules.DefaultName, _shard, quotaBytes: 0, call).ConfigureAwait(false));
        foreach (Keyspace keyspace in list.All)
        {
            response.Keyspaces.Add(await Describe(keyspace.Name, keyspace.Shard, keyspace.QuotaBytes, call).ConfigureAwait(false));
        }

        return EtcdResult.Of(response);
    }

    private bool IsDefault => _options.Keyspace == KeyspaceRules.DefaultName;

    private async ValueTask<EtcdResult> ProposeKeyspace(KvCommand command, EtcdCall call)
    {
        if (!IsDefault) { return EtcdErrors.OnlyInDefaultKeyspace; }
        var payload = new ByteWriter();
        command.Encode(payload);
        return await Propose(payload.ToArray(), call).ConfigureAwait(false);
    }

    private async ValueTask<KeyspaceInfo> Describe(string name, ShardId shard, long quotaBytes, EtcdCall call)
    {
        var info = new KeyspaceInfo { Name = name, Shard = shard.Value, QuotaBytes = quotaBytes };
        ReadResult read = await _node.ReadAsync(shard, ReadLevel.Local, call.Stop).ConfigureAwait(false);
        if (read.View is { } view)
        {
            using (view) { info.Revision = KvQueries.CurrentRevision(view); }
        }

        if (_node.StatusOf(shard) is { } status)
        {
            info.IsHere = true;
            info.Leader = status.LeaderNode.Value;
            info.RaftTerm = status.Term.Value;
            info.RaftAppliedIndex = status.Applied.Value;
            info.DbSize = status.DiskBytes;
            info.Members.AddRange(status.Members.Select(static member => member.Node.Value));
        }

        return info;
    }
}
