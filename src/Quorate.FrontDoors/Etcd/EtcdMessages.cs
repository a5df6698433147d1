using System.Collections.Immutable;
using Google.Protobuf;
using Google.Protobuf.Collections;
using Quorate.Core;
using Quorate.FrontDoors.Etcd.Protos;
using Quorate.StateMachines.KeyValue;

namespace Quorate.FrontDoors.Etcd;

/// <summary>etcd's messages to the machine's commands and queries, and the machine's replies back.</summary>
/// <remarks>
/// Bytes are not copied either way: a command refers to the request's memory, an answer to the reply's. Neither changes
/// after it was made.
/// </remarks>
internal static class EtcdMessages
{
    public static RangeQuery ToQuery(RangeRequest request) => new()
    {
        Key = request.Key.Memory,
        RangeEnd = request.RangeEnd.Memory,
        Limit = request.Limit,
        Revision = request.Revision,
        SortOrder = (KvSortOrder)request.SortOrder,
        SortTarget = (KvSortTarget)request.SortTarget,
        KeysOnly = request.KeysOnly,
        CountOnly = request.CountOnly,
        MinModRevision = request.MinModRevision,
        MaxModRevision = request.MaxModRevision,
        MinCreateRevision = request.MinCreateRevision,
        MaxCreateRevision = request.MaxCreateRevision,
    };

    public static KvCommand.DeleteRange ToCommand(DeleteRangeRequest request) =>
        new(request.Key.Memory, request.RangeEnd.Memory) { PrevKv = request.PrevKv };

    /// <remarks>As deep as the message: the parser has bounded that.</remarks>
    public static KvCommand.Txn ToCommand(TxnRequest request) =>
        new(ToCompares(request.Compare), ToOps(request.Success), ToOps(request.Failure));

    /// <summary>True if every range of a read-only transaction may be served by this node alone.</summary>
    public static bool IsSerializable(TxnRequest request) =>
        AllSerializable(request.Success) && AllSerializable(request.Failure);

    public static IMessage ToMessage(KvReply reply, ResponseHeader header) => reply switch
    {
        KvReply.Put put => ToMessage(put, header),
        KvReply.DeleteRange delete => ToMessage(delete, header),
        KvReply.Range range => ToMessage(range.Result, header),
        KvReply.Txn txn => ToMessage(txn, header),
        KvReply.Compact => new CompactionResponse { Header = header },
        KvReply.LeaseGrant grant => new LeaseGrantResponse { Header = header, ID = grant.Id, TTL = grant.Seconds },
        KvReply.LeaseRevoke => new LeaseRevokeResponse { Header = header },
        KvReply.LeaseRenew renew => new LeaseKeepAliveResponse { Header = header, TTL = renew.Seconds },
        KvReply.Alarm alarm => ToMessage(alarm.Alarms, header),
        KvReply.Keyspace keyspace => new KeyspaceResponse { Header = header, Shard = keyspace.Shard, QuotaBytes = keyspace.QuotaBytes },
        KvReply.Member member => new MemberAddResponse { Header = header, Member = new Member { ID = member.Id } },
        _ => throw Invariant.Unreachable(reply),
    };

    public static AlarmResponse ToMessage(IEnumerable<KvAlarm> alarms, ResponseHeader header)
    {
        var response = new AlarmResponse { Header = header };
        foreach (KvAlarm alarm in alarms) { response.Alarms.Add(new AlarmMember { MemberID = alarm.Member, Alarm = (AlarmType)alarm.Type }); }
        return response;
    }

    public static RangeResponse ToMessage(in RangeResult result, ResponseHeader? header)
    {
        var response = new RangeResponse { Header = header, More = result.More, Count = result.Count };
        AddRecords(response.Kvs, result.Records);
        return response;
    }

    public static ByteString Wrap(ReadOnlyMemory<byte> bytes) => UnsafeByteOperations.UnsafeWrap(bytes);

    private static bool AllSerializable(RepeatedField<RequestOp> requests)
    {
        foreach (RequestOp request in requests)
        {
            bool isSerializable = request.RequestTxn is { } txn ? IsSerializable(txn) : request.RequestRange.Serializable;
            if (!isSerializable) { return false; }
        }

        return true;
    }

    private static PutResponse ToMessage(KvReply.Put put, ResponseHeader header) => new()
    {
        Header = header,
        PrevKv = put.Previous is { } previous ? ToMessage(previous) : null,
    };

    private static DeleteRangeResponse ToMessage(KvReply.DeleteRange delete, ResponseHeader header)
    {
        var response = new DeleteRangeResponse { Header = header, Deleted = delete.Deleted };
        AddRecords(response.PrevKvs, delete.Previous);
        return response;
    }

    private static TxnResponse ToMessage(KvReply.Txn txn, ResponseHeader header)
    {
        var response = new TxnResponse { Header = header, Succeeded = txn.Succeeded };
        foreach (KvReply reply in txn.Responses)
        {
            // Within a transaction a header says the revision and nothing else (etcd).
            var inner = new ResponseHeader { Revision = reply.Revision };
            response.Responses.Add(reply switch
            {
                KvReply.Range range => new ResponseOp { ResponseRange = ToMessage(range.Result, inner) },
                KvReply.Put put => new ResponseOp { ResponsePut = ToMessage(put, inner) },
                KvReply.DeleteRange delete => new ResponseOp { ResponseDeleteRange = ToMessage(delete, inner) },
                KvReply.Txn nested => new ResponseOp { ResponseTxn = ToMessage(nested, inner) },
                _ => throw Invariant.Unreachable(reply),
            });
        }

        return response;
    }

    public static KeyValue ToMessage(in KeyValueRecord record) => new()
    {
        Key = UnsafeByteOperations.UnsafeWrap(record.Key),
        Value = UnsafeByteOperations.UnsafeWrap(record.Value),
        CreateRevision = record.CreateRevision,
        ModRevision = record.ModRevision,
        Version = record.Version,
        Lease = record.Lease,
    };

    private static void AddRecords(RepeatedField<KeyValue> list, ImmutableArray<KeyValueRecord> records)
    {
        list.Capacity = records.Length;
        foreach (KeyValueRecord record in records) { list.Add(ToMessage(record)); }
    }

    private static ImmutableArray<KvCompare> ToCompares(RepeatedField<Compare> compares)
    {
        ImmutableArray<KvCompare>.Builder list = ImmutableArray.CreateBuilder<KvCompare>(compares.Count);
        foreach (Compare compare in compares) { list.Add(ToCompare(compare)); }
        return list.MoveToImmutable();
    }

    // The operand is read from the field that the target names; any other field counts as not sent, hence 0 (etcd).
    private static KvCompare ToCompare(Compare compare) => new()
    {
        Target = (KvCompareTarget)compare.Target,
        Result = (KvCompareResult)compare.Result,
        Key = compare.Key.Memory,
        RangeEnd = compare.RangeEnd.Memory,
        Number = compare.Target switch
        {
            Compare.Types.CompareTarget.Version => compare.Version,
            Compare.Types.CompareTarget.Create => compare.CreateRevision,
            Compare.Types.CompareTarget.Mod => compare.ModRevision,
            Compare.Types.CompareTarget.Lease => compare.Lease,
            _ => 0,
        },
        Value = compare.Value.Memory,
    };

    private static ImmutableArray<KvCommand.Op> ToOps(RepeatedField<RequestOp> requests)
    {
        ImmutableArray<KvCommand.Op>.Builder list = ImmutableArray.CreateBuilder<KvCommand.Op>(requests.Count);
        foreach (RequestOp request in requests) { list.Add(ToOp(request)); }
        return list.MoveToImmutable();
    }

    private static KvCommand.Op ToOp(RequestOp request) => request.RequestCase switch
    {
        RequestOp.RequestOneofCase.RequestRange => new KvCommand.Range(ToQuery(request.RequestRange)),
        RequestOp.RequestOneofCase.RequestPut => ToCommand(request.RequestPut),
        RequestOp.RequestOneofCase.RequestDeleteRange => ToCommand(request.RequestDeleteRange),
        RequestOp.RequestOneofCase.RequestTxn => ToCommand(request.RequestTxn),
        _ => new KvCommand.NoRequest(),
    };

    public static KvCommand.Put ToCommand(PutRequest request) => new(request.Key.Memory, request.Value.Memory)
    {
        Lease = request.Lease,
        PrevKv = request.PrevKv,
        IgnoreValue = request.IgnoreValue,
        IgnoreLease = request.IgnoreLease,
    };
}
