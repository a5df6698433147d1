using System.Globalization;
using Google.Protobuf;
using Quorate.FrontDoors.Etcd.Client;
using Quorate.FrontDoors.Etcd.Protos;

namespace Quorate.Simulation;

/// <summary>
/// Leases: a client takes one, hangs some keys on it at once, renews it, looks whether they are all there, and in the end gives it back or
/// dies. At the end all leases must be gone in time, and one more is followed through changes of leader and jumps of every clock.
/// </summary>
public sealed record LeaseWorkload : EtcdClientWorkload
{
    private const long LongestSeconds = 6;
    private const int KeysOfLease = 3;
    private int _leases;

    /// <summary>Percent of simulated time by which a node's clock may run at the most: as much earlier a lease may end. Default: 100.</summary>
    public int FastestPercent { get; init; } = 100;

    /// <inheritdoc/>
    public override string Name => "lease";

    /// <inheritdoc/>
    public override void Settle(SimCluster cluster) =>
        // Clocks are right again and there is a leader: nothing excuses a lease that outlives its time by more than what a stop that had
        // begun before, and the change of leader that follows it, may cost. QuietLease is strict.
        cluster.RunUntil(_ => LeasesLeft(cluster) == 0, TimeSpan.FromSeconds(LongestSeconds + 10));

    /// <inheritdoc/>
    public override void Finish(SimCluster cluster) => QuietLease.Follow(cluster, Shard);

    /// <summary>What faults may do to the rate of clocks, in percent.</summary>
    internal static int FastestOf(IEnumerable<SimFault> faults) => faults.Any(fault => fault is ClockDrift) ? ClockDrift.FastestPercent : 100;

    private protected override void Ask(Session session)
    {
        switch (session.State)
        {
            case null: Grant(session); break;
            case Lease { HasKeys: false } lease: Attach(session, lease); break;
            case Lease lease:
                switch (session.Random.Below(20))
                {
                    case < 10: Renew(session, lease); break;
                    case < 17: Look(session, lease); break;
                    case < 18: Revoke(session, lease); break;
                    default:
                        session.Cluster.Strike("K2", "client-dies");
                        session.State = null;
                        session.Idle();
                        break;
                }

                break;
            default: break;
        }
    }

    private void Grant(Session session)
    {
        string name = string.Create(CultureInfo.InvariantCulture, $"s{++_leases}");
        long seconds = session.Random.Between(2, LongestSeconds);
        Session.Question question = session.Begin("grant", name, more: new() { ["least"] = seconds * 1_000_000 * 100 / FastestPercent });
        session.Call(EtcdMethods.LeaseGrant, new LeaseGrantRequest { TTL = seconds }, answer =>
        {
            if (answer.Response is { } response)
            {
                session.State = new Lease(name, response.ID);
                question.Ok();
            }
            else { question.Failed(answer.Failure, isWrite: true); }
            session.Idle();
        });
    }

    private void Attach(Session session, Lease lease)
    {
        Session.Question question = session.Begin("attach", lease.Name);
        var txn = new TxnRequest();
        for (int i = 0; i < KeysOfLease; i++)
        {
            txn.Success.Add(new RequestOp { RequestPut = new PutRequest { Key = KeyOf(lease, i), Lease = lease.Id } });
        }

        session.Call(EtcdMethods.Txn, txn, answer =>
        {
            if (answer.Response is not null)
            {
                AcknowledgedWrites++;
                lease.HasKeys = true;
                question.Ok(KeysOfLease);
            }
            else
            {
                question.Failed(answer.Failure, isWrite: true);
                session.State = null;
            }

            session.Idle();
        });
    }

    private void Renew(Session session, Lease lease)
    {
        Session.Question question = session.Begin("renew", lease.Name);
        session.Call(EtcdMethods.LeaseKeepAlive, new LeaseKeepAliveRequest { ID = lease.Id }, answer =>
        {
            if (answer.Response is { } response)
            {
                AcknowledgedWrites++;
                question.Ok(response.TTL);
                if (response.TTL == 0) { session.State = null; }
            }
            else { question.Failed(answer.Failure, isWrite: true); }
            session.Idle();
        });
    }

    private static void Look(Session session, Lease lease)
    {
        Session.Question question = session.Begin("look", lease.Name);
        var range = new RangeRequest { Key = Bytes($"lease/{lease.Name}/"), RangeEnd = Bytes($"lease/{lease.Name}0") };
        session.Call(EtcdMethods.Range, range, answer =>
        {
            if (answer.Response is { } response)
            {
                question.Ok(response.Kvs.Count);
                if (response.Kvs.Count == 0) { session.State = null; }
            }
            else { question.Failed(answer.Failure, isWrite: false); }
            session.Idle();
        });
    }

    private static void Revoke(Session session, Lease lease)
    {
        Session.Question question = session.Begin("revoke", lease.Name);
        session.Call(EtcdMethods.LeaseRevoke, new LeaseRevokeRequest { ID = lease.Id }, answer =>
        {
            if (answer.Response is not null) { question.Ok(); }
            else { question.Failed(answer.Failure, isWrite: true); }
            if (answer.Response is not null || answer.Failure == EtcdFailure.Unknown) { session.State = null; }
            session.Idle();
        });
    }

    private static ByteString KeyOf(Lease lease, int number) =>
        Bytes(string.Create(CultureInfo.InvariantCulture, $"lease/{lease.Name}/{number}"));

    private static ByteString Bytes(string text) => ByteString.CopyFromUtf8(text);

    private sealed record Lease(string Name, long Id)
    {
        public bool HasKeys { get; set; }
    }
}
