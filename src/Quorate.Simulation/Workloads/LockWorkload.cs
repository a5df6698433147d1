using System.Globalization;
using Google.Protobuf;
using Quorate.FrontDoors.Etcd.Client;
using Quorate.FrontDoors.Etcd.Protos;
using CompareTarget = Quorate.FrontDoors.Etcd.Protos.Compare.Types.CompareTarget;

namespace Quorate.Simulation;

/// <summary>
/// Locks of two kinds. Without leases: whoever creates the lock's key has it, with the key's create revision as fencing token; it is released by
/// deleting the key if it still is the holder's. And those of the Lock service, with leases that nobody renews, which clients queue for. What
/// a lock guards is a key too, which refuses a token below the last one.
/// </summary>
public sealed partial record LockWorkload : EtcdClientWorkload
{
    // Names under which a lock may have been taken without its client knowing. Nobody holds those locks; whoever finds one opens it.
    private readonly SortedSet<string> _orphans = new(StringComparer.Ordinal);
    private int _holds;

    /// <summary>Percent of simulated time by which a node's clock may run at the most: as much earlier a lease may end. Default: 100.</summary>
    public int FastestPercent { get; init; } = 100;

    /// <inheritdoc/>
    public override string Name => "lock";

    /// <inheritdoc/>
    public override void Settle(SimCluster cluster) =>
        // What clients left behind must go by itself.
        cluster.RunUntil(_ => LeasesLeft(cluster) == 0, TimeSpan.FromSeconds(LongestSeconds + 3));

    /// <inheritdoc/>
    public override void Finish(SimCluster cluster)
    {
        // Each use was checked against the guarded key itself. That the replicas agree on the keys is checked by their states.
    }

    private protected override void Ask(Session session)
    {
        switch (session.State)
        {
            case null when session.Random.Chance(1, 2): AcquireByService(session); break;
            case null: Acquire(session); break;
            case Hold { UsesLeft: > 0 } hold: Use(session, hold); break;
            case Hold { Key: not null } hold: ReleaseByService(session, hold); break;
            case Hold hold: Release(session, hold); break;
            default: break;
        }
    }

    private void Acquire(Session session)
    {
        string name = string.Create(CultureInfo.InvariantCulture, $"L{session.Random.Below(Keys)}");
        string owner = string.Create(CultureInfo.InvariantCulture, $"owner{++_holds}");
        Session.Question question = session.Begin("acquire", name);
        var txn = new TxnRequest();
        txn.Compare.Add(new Compare { Key = Bytes(name), Target = CompareTarget.Create, CreateRevision = 0 });
        txn.Success.Add(new RequestOp { RequestPut = new PutRequest { Key = Bytes(name), Value = Bytes(owner) } });
        txn.Failure.Add(new RequestOp { RequestRange = new RangeRequest { Key = Bytes(name) } });
        session.Call(EtcdMethods.Txn, txn, answer =>
        {
            if (answer.Response is not { } response)
            {
                if (answer.Failure == EtcdFailure.Unknown) { _orphans.Add(owner); }
                question.Failed(answer.Failure, isWrite: true);
                session.Idle();
            }
            else if (response.Succeeded)
            {
                AcknowledgedWrites++;
                session.State = new Hold(name, owner, response.Header.Revision) { UsesLeft = session.Random.Below(3) };
                question.Ok(more: new() { ["token"] = response.Header.Revision });
                session.Idle();
            }
            else
            {
                question.Refused();
                KeyValue? holder = response.Responses[0].ResponseRange.Kvs.SingleOrDefault();
                if (holder is not null && _orphans.Contains(holder.Value.ToStringUtf8())) { Open(session, name, holder.Value); }
                else { session.Idle(); }
            }
        });
    }

    // By a process of its own: if its outcome stays unknown, the holder's own process must still be able to release.
    private static void Use(Session session, Hold hold)
    {
        hold.UsesLeft--;
        Session.Question question = session.Begin("use", hold.Lock, more: new() { ["token"] = hold.Token }, alone: true);
        ByteString guarded = Bytes("g" + hold.Lock);
        ByteString token = Bytes(hold.Token.ToString("D12", CultureInfo.InvariantCulture));
        var write = new RequestOp { RequestPut = new PutRequest { Key = guarded, Value = token } };

        // A comparison of values is false for a key that is not there: the first use is a transaction within.
        var first = new TxnRequest();
        first.Compare.Add(new Compare { Key = guarded, Target = CompareTarget.Version, Version = 0 });
        first.Success.Add(write);
        var txn = new TxnRequest();
        txn.Compare.Add(new Compare
        {
            Key = guarded,
            Target = CompareTarget.Value,
            Result = Compare.Types.CompareResult.Less,
            Value = Bytes((hold.Token + 1).ToString("D12", CultureInfo.InvariantCulture)),
        });
        txn.Success.Add(write);
        txn.Failure.Add(new RequestOp { RequestTxn = first });
        session.Call(EtcdMethods.Txn, txn, answer =>
        {
            if (answer.Response is not { } response) { question.Failed(answer.Failure, isWrite: true); }
            else if (response.Succeeded || response.Responses[0].ResponseTxn.Succeeded) { question.Ok(); }
            else { question.Refused(); }
            session.Idle();
        });
    }

    private void Release(Session session, Hold hold)
    {
        session.State = null;
        Session.Question question = session.Begin("release", hold.Lock);
        session.Call(EtcdMethods.Txn, Deletion(hold.Lock, Bytes(hold.Owner)), answer =>
        {
            if (answer.Response is null)
            {
                _orphans.Add(hold.Owner);
                question.Failed(answer.Failure, isWrite: true);
            }
            else
            {
                session.Cluster.Demand(
                    answer.Response.Succeeded, SimNet.Histories, $"the lock {hold.Lock} was not {hold.Owner}'s any more when it was released");
                question.Ok();
            }

            session.Idle();
        });
    }

    private static void Open(Session session, string name, ByteString owner) =>
        session.Call(EtcdMethods.Txn, Deletion(name, owner), _ => session.Idle());

    private static TxnRequest Deletion(string name, ByteString owner)
    {
        var txn = new TxnRequest();
        txn.Compare.Add(new Compare { Key = Bytes(name), Target = CompareTarget.Value, Value = owner });
        txn.Success.Add(new RequestOp { RequestDeleteRange = new DeleteRangeRequest { Key = Bytes(name) } });
        return txn;
    }

    private static ByteString Bytes(string text) => ByteString.CopyFromUtf8(text);

    private sealed record Hold(string Lock, string Owner, long Token)
    {
        public int UsesLeft { get; set; }

        /// <summary>As the Lock service gave it; null: it is not one of its locks.</summary>
        public ByteString? Key { get; init; }
    }
}
