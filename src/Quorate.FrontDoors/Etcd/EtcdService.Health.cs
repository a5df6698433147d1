using Quorate.Core;
using Quorate.Replication;

namespace Quorate.FrontDoors.Etcd;

// What /health, /livez and /readyz ask.
internal sealed partial class EtcdService
{
    /// <summary>Says why a read of that level fails now, in etcd's words; null if it does not.</summary>
    public async ValueTask<string?> Unhealthy(ReadLevel level, CancellationToken stop)
    {
        if (level == ReadLevel.Linearizable && _node.StatusOf(_shard) is { Leader.IsNone: true }) { return "RAFT NO LEADER"; }
        (IReadView? view, EtcdError? error) = await Read(
            level, new EtcdCall(RequireLeader: false, stop), allowedOnLearner: level == ReadLevel.Local).ConfigureAwait(false);
        view?.Dispose();
        return error is null ? null : "RANGE ERROR:" + error.Message;
    }
}
