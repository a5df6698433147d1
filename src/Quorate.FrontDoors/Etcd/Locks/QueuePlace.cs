using System.Globalization;
using Google.Protobuf;
using Quorate.FrontDoors.Etcd.Protos;

namespace Quorate.FrontDoors.Etcd;

/// <summary>
/// A key in the queue of a lock or an election. The queue is all keys under <c>name/</c>, in order of their create revisions;
/// the first one's owner has the lock, or leads.
/// </summary>
/// <param name="Name">Of the queue.</param>
/// <param name="Key"><c>name/</c> and the lease in hexadecimal: each lease has one place at most.</param>
/// <param name="Revision">Create revision of the key: the place, and the fencing token.</param>
/// <param name="Lease">The key vanishes with it.</param>
internal sealed record QueuePlace(ByteString Name, ByteString Key, long Revision, long Lease)
{
    /// <summary>The lease was made for this call: nobody else knows it.</summary>
    public required bool HasOwnLease { get; init; }

    /// <summary>Nobody was before it when it was taken.</summary>
    public required bool IsFirst { get; init; }

    /// <summary>Answered with the place.</summary>
    public required ResponseHeader Header { get; init; }

    /// <summary>The key's value, if the lease had the place before; else null.</summary>
    public required ByteString? OldValue { get; init; }

    /// <summary>The key of a lease in a queue. A negative lease, which no server grants, has a sign, as in etcd.</summary>
    public static ByteString KeyOf(ByteString name, long lease)
    {
        string hex = lease < 0
            ? "-" + unchecked((ulong)-lease).ToString("x", CultureInfo.InvariantCulture)
            : lease.ToString("x", CultureInfo.InvariantCulture);
        return ByteString.CopyFrom([.. name.Span, (byte)'/', .. System.Text.Encoding.ASCII.GetBytes(hex)]);
    }

    /// <summary>The first of the queue of that name.</summary>
    public static RangeRequest First(ByteString name) => Range(name, RangeRequest.Types.SortOrder.Ascend);

    /// <summary>The last that was in the queue before a revision.</summary>
    public static RangeRequest LastBefore(ByteString name, long revision)
    {
        RangeRequest request = Range(name, RangeRequest.Types.SortOrder.Descend);
        request.MaxCreateRevision = revision - 1;
        return request;
    }

    /// <summary>Start and end of the queue's keys.</summary>
    public static (ByteString Start, ByteString End) KeysOf(ByteString name) =>
        (ByteString.CopyFrom([.. name.Span, (byte)'/']), ByteString.CopyFrom([.. name.Span, (byte)'/' + 1]));

    /// <summary>Do these if the key has that create revision; 0: if there is no such key.</summary>
    public static TxnRequest IfCreatedAt(ByteString key, long revision, params ReadOnlySpan<RequestOp> then)
    {
        var txn = new TxnRequest();
        txn.Compare.Add(new Compare { Target = Compare.Types.CompareTarget.Create, Key = key, CreateRevision = revision });
        foreach (RequestOp op in then) { txn.Success.Add(op); }
        return txn;
    }

    private static RangeRequest Range(ByteString name, RangeRequest.Types.SortOrder order)
    {
        (ByteString start, ByteString end) = KeysOf(name);
        return new RangeRequest
        {
            Key = start,
            RangeEnd = end,
            Limit = 1,
            SortTarget = RangeRequest.Types.SortTarget.Create,
            SortOrder = order,
        };
    }
}
