using Google.Protobuf;
using Quorate.FrontDoors.Etcd.Client;
using Quorate.FrontDoors.Etcd.Protos;

namespace Quorate.Bench;

/// <summary>Which key a request is about.</summary>
internal enum KeyUse
{
    /// <summary>One that exists.</summary>
    Existing,

    /// <summary>One that no request was about before.</summary>
    New,

    /// <summary><see cref="BenchPlan.RangeSize"/> neighbours, the first a multiple of that: those with a common prefix, if it is a power of ten.</summary>
    Block,

    /// <summary>One and up to <see cref="BenchPlan.MostScanned"/> - 1 keys behind it, as many as the dice say.</summary>
    Scan,
}

/// <summary>A request that was sent, by what is needed to judge its answer.</summary>
/// <param name="Step">What it was.</param>
/// <param name="Key">The key's number.</param>
/// <param name="Count">Keys that the answer must have.</param>
internal readonly record struct BenchTicket(BenchStep Step, uint Key, uint Count);

/// <summary>A kind of request as one connection sends it.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Part">Where its latency is counted.</param>
/// <param name="Template">Its bytes.</param>
/// <param name="Next">The request for the same key that follows a good answer; the latency of both is counted as one.</param>
internal sealed record BenchStep(RequestKind Kind, int Part, RequestTemplate Template, BenchStep? Next);

/// <summary>Looks at an answer.</summary>
/// <returns>Null if it is what it must be when all keys exist; else what is wrong with it, in a constant text.</returns>
internal delegate string? AnswerJudge(ReadOnlySpan<byte> answer, in BenchTicket ticket);

/// <summary>A kind of request. To add one: a line in <see cref="RequestKinds"/>.</summary>
/// <param name="Name">In reports.</param>
/// <param name="Path"><c>/package.Service/Method</c>.</param>
/// <param name="Build">Makes the message.</param>
/// <param name="Judge">Looks at the answer.</param>
internal sealed record RequestKind(string Name, string Path, Func<RequestFields, BenchPlan, IMessage> Build, AnswerJudge Judge)
{
    /// <summary>Which key it is about.</summary>
    public KeyUse Keys { get; init; } = KeyUse.Existing;

    /// <summary>What follows a good answer, for the same key.</summary>
    public RequestKind? Then { get; init; }

    /// <summary>Requests and answers take turns on streams that stay open, instead of a stream each.</summary>
    public bool IsStream { get; init; }
}

/// <summary>All kinds of requests, and what their answers must be like.</summary>
internal static class RequestKinds
{
    public const string Absent = "the key is absent";
    public const string WrongCount = "the range has another number of keys";
    public const string NotSucceeded = "the comparison failed";
    public const string LeaseEnded = "the lease has ended";
    private const string NoHeader = "the answer is not one of etcd's";

    public static RequestKind Put { get; } = new(
        "put", EtcdMethods.Put.Path, static (f, _) => new PutRequest { Key = f.Key, Value = f.Value }, JudgeHeader);

    public static RequestKind Insert { get; } = Put with { Name = "insert", Keys = KeyUse.New };

    public static RequestKind Get { get; } = new(
        "get", EtcdMethods.Range.Path, static (f, plan) => new RangeRequest { Key = f.Key, Serializable = plan.Serializable }, JudgeGet);

    public static RequestKind Range { get; } = new("range", EtcdMethods.Range.Path, BuildRange, JudgeRange) { Keys = KeyUse.Block };

    public static RequestKind Scan { get; } = Range with { Name = "scan", Keys = KeyUse.Scan };

    /// <summary>If the key exists, it is written, else read.</summary>
    public static RequestKind Txn { get; } = new("txn", EtcdMethods.Txn.Path, BuildTxn, JudgeTxn);

    public static RequestKind ReadModifyWrite { get; } = Get with { Name = "read-modify-write", Then = Put };

    public static RequestKind LeaseGrant { get; } = new(
        "grant", EtcdMethods.LeaseGrant.Path, static (f, plan) => new LeaseGrantRequest { ID = f.Number, TTL = plan.LeaseSeconds }, JudgeHeader);

    public static RequestKind LeaseRevoke { get; } = new(
        "revoke", EtcdMethods.LeaseRevoke.Path, static (f, _) => new LeaseRevokeRequest { ID = f.Number }, JudgeHeader);

    public static RequestKind KeepAlive { get; } = new(
        "keep-alive", EtcdMethods.LeaseKeepAlive.Path, static (f, _) => new LeaseKeepAliveRequest { ID = f.Number }, JudgeKeepAlive)
    {
        IsStream = true,
    };

    /// <summary>Opens a watch; nothing answers it, <see cref="WatchStream"/> reads what comes.</summary>
    public static RequestKind Watch { get; } = new(
        "watch", EtcdMethods.Watch.Path, static (f, _) => new WatchRequest { CreateRequest = new WatchCreateRequest { Key = f.Key } }, JudgeHeader);

    private static RangeRequest BuildRange(RequestFields fields, BenchPlan plan) => new()
    {
        Key = fields.Key,
        RangeEnd = ByteString.CopyFrom([.. fields.Last.Span, 0]), // Right behind the last.
        Limit = plan.Limit,
        Serializable = plan.Serializable,
    };

    private static TxnRequest BuildTxn(RequestFields fields, BenchPlan plan) => new()
    {
        Compare =
        {
            new Compare
            {
                Key = fields.Key,
                Target = Compare.Types.CompareTarget.Version,
                Result = Compare.Types.CompareResult.Greater,
                Version = 0,
            },
        },
        Success = { new RequestOp { RequestPut = new PutRequest { Key = fields.Key, Value = fields.Value } } },
        Failure = { new RequestOp { RequestRange = new RangeRequest { Key = fields.Key } } },
    };

    // Every answer of etcd's has a header, whose revision is at least 1.
    private static string? JudgeHeader(ReadOnlySpan<byte> answer, in BenchTicket ticket)
    {
        for (var fields = new ProtoWalker(answer); fields.Next();)
        {
            if (fields.Field == 1) { return null; }
        }

        return NoHeader;
    }

    private static string? JudgeGet(ReadOnlySpan<byte> answer, in BenchTicket ticket) => CountKeys(answer) == 1 ? null : Absent;

    private static string? JudgeRange(ReadOnlySpan<byte> answer, in BenchTicket ticket) => CountKeys(answer) == ticket.Count ? null : WrongCount;

    private static string? JudgeTxn(ReadOnlySpan<byte> answer, in BenchTicket ticket)
    {
        for (var fields = new ProtoWalker(answer); fields.Next();)
        {
            if (fields.Field == TxnResponse.SucceededFieldNumber) { return fields.Number != 0 ? null : NotSucceeded; }
        }

        return NotSucceeded;
    }

    private static string? JudgeKeepAlive(ReadOnlySpan<byte> answer, in BenchTicket ticket)
    {
        for (var fields = new ProtoWalker(answer); fields.Next();)
        {
            if (fields.Field == LeaseKeepAliveResponse.TTLFieldNumber && fields.Number is > 0 and < long.MaxValue) { return null; }
        }

        return LeaseEnded;
    }

    private static uint CountKeys(ReadOnlySpan<byte> answer)
    {
        uint count = 0;
        var fields = new ProtoWalker(answer);
        while (fields.Next())
        {
            if (fields.Field == RangeResponse.KvsFieldNumber) { count++; }
        }

        return fields.IsBroken ? uint.MaxValue : count;
    }
}
