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
            response.DbSize = status.DiskBytes + status.HeldBytes;
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

        (IReadView? view, EtcdError? error) = await Read(
            ReadLevel.Linearizable, call, allowedOnLearner: false, KvNeeds.Nothing).ConfigureAwait(false);
        if (view is null) { return error!; }
        using (view)
        {
            return EtcdResult.Of(EtcdMessages.ToMessage(
                KvQueries.Alarms(view).Where(alarm => type == KvAlarmType.None || alarm.Type == type),
                Header(KvQueries.CurrentRevision(view))));
        }
    }

    /// <summary>There is nothing to stop for: asks for the space of what was forgotten, and answers at once.</summary>
    public ValueTask<EtcdResult> Defragment(DefragmentRequest request, EtcdCall call)
    {
        if (Refusal(call, allowedOnLearner: false) is { } refusal) { return new(refusal); }
        _node.Reclaim(_shard);
        return new(EtcdResult.Of(new DefragmentResponse())); // Without a header, as in etcd.
    }

    /// <summary>Of everything that this member holds now. Members agree on it only while nothing is written.</summary>
    public async ValueTask<EtcdResult> Hash(HashRequest request, EtcdCall call)
    {
        (IReadView? view, EtcdError? error) = await Read(
            ReadLevel.Local, call, allowedOnLearner: false, KvNeeds.Nothing).ConfigureAwait(false);
        if (view is null) { return error!; }
        using (view)
        {
            ulong hash = KvQueries.HashState(view);
            return EtcdResult.Of(new HashResponse
            {
                Header = Header(KvQueries.CurrentRevision(view)),
                Hash = (uint)(hash >> 32) ^ (uint)hash,
            });
        }
    }

    public async ValueTask<EtcdResult> HashKV(HashKVRequest request, EtcdCall call)
    {
        // This member's own state, as in etcd: what it shows is to be compared with the others'.
        (IReadView? view, EtcdError? error) = await Read(
            ReadLevel.Local, call, allowedOnLearner: false, KvNeeds.Nothing).ConfigureAwait(false);
        if (view is null) { return error!; }
        using (view)
        {
            (KvRefusal refusal, KvHash hash) = KvQueries.HashHistory(view, request.Revision);
            return refusal != KvRefusal.None ? EtcdErrors.Of(refusal) : EtcdResult.Of(new HashKVResponse
            {
                Header = Header(KvQueries.CurrentRevision(view)),
                Hash = hash.Hash,
                CompactRevision = hash.CompactedRevision,
                HashRevision = hash.Revision,
            });
        }
    }

    /// <summary>No version of etcd reads this program's files, so there is none to go down to; what is asked is judged as etcd does.</summary>
    public async ValueTask<EtcdResult> Downgrade(DowngradeRequest request, EtcdCall call)
    {
        if (request.Action == DowngradeRequest.Types.DowngradeAction.Cancel)
        {
            (IReadView? view, EtcdError? error) = await Read(
                ReadLevel.Linearizable, call, allowedOnLearner: false, KvNeeds.Nothing).ConfigureAwait(false);
            view?.Dispose();
            return error ?? EtcdErrors.NoDowngrade;
        }

        return IsVersion(request.Version) ? EtcdErrors.InvalidDowngradeTarget : EtcdErrors.WrongDowngradeVersion;
    }

    // 3.5 or 3.5.0, whatever the numbers are.
    private static bool IsVersion(string text) =>
        text.Split('.') is { Length: 2 or 3 } parts
        && parts.All(static part => part.Length is > 0 and <= 9 && part.All(char.IsAsciiDigit));
}
