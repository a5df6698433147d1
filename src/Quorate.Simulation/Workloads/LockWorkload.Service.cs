using System.Globalization;
using Google.Protobuf;
using Quorate.FrontDoors.Etcd.Client;
using Quorate.FrontDoors.Etcd.Protos;

namespace Quorate.Simulation;

// Locks of the Lock service. A holder that dies, or does not know that it holds, is followed by the next when its lease ends.
public sealed partial record LockWorkload
{
    private const long LongestSeconds = 6;

    private void AcquireByService(Session session)
    {
        string name = string.Create(CultureInfo.InvariantCulture, $"S{session.Random.Below(Keys)}");
        long seconds = session.Random.Between(2, LongestSeconds);
        long granted = session.Cluster.Now;
        session.Call(EtcdMethods.LeaseGrant, new LeaseGrantRequest { TTL = seconds }, answer =>
        {
            if (answer.Response is not { } lease)
            {
                session.Idle();
                return;
            }

            // The lease lives from its grant on; the model counts from the question.
            long left = (seconds * 1_000_000 * 100 / FastestPercent) - (session.Cluster.Now - granted);
            Session.Question question = session.Begin("acquire", name, more: new() { ["ttl"] = Math.Max(0, left) });
            session.Call(EtcdMethods.Lock, new LockRequest { Name = Bytes(name), Lease = lease.ID }, locked =>
            {
                if (locked.Response is { } response)
                {
                    AskToken(session, question, name, response.Key);
                    return;
                }

                if (IsLeaseOver(locked.Message)) { question.Refused(); }
                else { question.Failed(locked.Failure, isWrite: true); }
                session.Idle();
            });
        });
    }

    private void AskToken(Session session, Session.Question question, string name, ByteString key) =>
        session.Call(EtcdMethods.Range, new RangeRequest { Key = key }, answer =>
        {
            if (answer.Response is not { } read) { question.Failed(EtcdFailure.Unknown, isWrite: true); }
            else if (read.Kvs is not [{ } held]) { question.Refused(); }
            else
            {
                AcknowledgedWrites++;
                session.State = new Hold(name, "", held.CreateRevision) { UsesLeft = session.Random.Below(3), Key = key };
                question.Ok(more: new() { ["token"] = held.CreateRevision });
            }

            session.Idle();
        });

    // Its own, while it waited: texts, since the code says nothing.
    private static bool IsLeaseOver(string message) => message is "mutex: session is expired" or "etcdserver: requested lease not found";

    private static void ReleaseByService(Session session, Hold hold)
    {
        session.State = null;
        if (session.Random.Chance(1, 4))
        {
            session.Cluster.Strike("K2", "client-dies");
            session.Idle();
            return;
        }

        Session.Question question = session.Begin("release", hold.Lock);
        session.Call(EtcdMethods.Unlock, new UnlockRequest { Key = hold.Key }, answer =>
        {
            if (answer.Response is not null) { question.Ok(); }
            else { question.Failed(answer.Failure, isWrite: true); }
            session.Idle();
        });
    }
}
