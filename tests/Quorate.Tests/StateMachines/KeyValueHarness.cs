using System.Collections.Immutable;
using System.Text;
using Quorate.Core;
using Quorate.StateMachines;
using Quorate.StateMachines.KeyValue;
using Xunit;

namespace Quorate.Tests.StateMachines;

/// <summary>A machine on a store; commands go through their bytes, replies come as a line of text.</summary>
internal sealed class KeyValueHarness
{
    private LogIndex _index;

    public KeyValueHarness()
    {
        Machine = Catalog.KeyValue.Create();
        Writer = new CheckedStore(Machine);
        Machine.Open(Writer);
    }

    public KeyValueHarness(IStateMachine machine, IStoreWriter store)
    {
        Machine = machine;
        Writer = store;
        Machine.Open(store);
    }

    public IStateMachine Machine { get; }

    /// <summary>The store; may be replaced by one with the same content.</summary>
    public IStoreWriter Writer { get; set; }

    public CheckedStore Store => (CheckedStore)Writer;

    /// <summary>The shard's clock, in milliseconds, as the next command will carry it.</summary>
    public long Clock { get; set; }

    /// <summary>The shard's voters, as the next command will carry them.</summary>
    public ImmutableArray<ReplicaPlace> Voters { get; set; } = [];

    public ulong Hash => Machine.HashState(Writer);

    public static ReadOnlyMemory<byte> Bytes(string latin1) => Encoding.Latin1.GetBytes(latin1);

    public static KvCommand.Put Put(string key, string value = "", bool prevKv = false) =>
        new(Bytes(key), Bytes(value)) { PrevKv = prevKv };

    public static KvCommand.DeleteRange Delete(string key, string end = "", bool prevKv = false) =>
        new(Bytes(key), Bytes(end)) { PrevKv = prevKv };

    public static KvCommand.Range Get(string key, string end = "", long revision = 0) =>
        new(new RangeQuery { Key = Bytes(key), RangeEnd = Bytes(end), Revision = revision });

    public static KvCommand.Txn If(IEnumerable<KvCompare> compares, IEnumerable<KvCommand.Op> then, IEnumerable<KvCommand.Op> otherwise) =>
        new([.. compares], [.. then], [.. otherwise]);

    public static KvCommand.Txn All(params IEnumerable<KvCommand.Op> operations) => If([], operations, []);

    public static KvCompare Compare(KvCompareTarget target, string key, KvCompareResult result, long number, string end = "") =>
        new() { Target = target, Result = result, Key = Bytes(key), RangeEnd = Bytes(end), Number = number };

    public static KvCompare CompareValue(string key, KvCompareResult result, string value, string end = "") =>
        new() { Target = KvCompareTarget.Value, Result = result, Key = Bytes(key), RangeEnd = Bytes(end), Value = Bytes(value) };

    public string Do(KvCommand command)
    {
        var payload = new ByteWriter();
        command.Encode(payload);
        return Text(ApplyBytes(payload.Written));
    }

    public KvReply ApplyBytes(ReadOnlySpan<byte> payload)
    {
        _index = _index.Next;
        var reply = new ByteWriter();
        Machine.Apply(new CommittedCommand(_index, HybridTime.FromUnixMilliseconds(1), payload, Clock, Voters), Writer, reply);
        Machine.Finish(Writer);
        Assert.True(KvReply.TryDecode(reply.ToArray(), out KvReply? decoded));
        return decoded;
    }

    /// <summary>The host's timer: all that was due by this time.</summary>
    public void Timer(long due)
    {
        _index = _index.Next;
        Machine.ApplyTimer(_index, due, Writer);
        Machine.Finish(Writer);
    }

    public string Ask(RangeQuery query) => Text(KvQueries.Range(Writer, query));

    public string Ask(string key, string end = "", long revision = 0) => Ask(Get(key, end, revision).Query);

    public static string Text(KvReply reply) => reply switch
    {
        KvReply.Put put => $"put@{put.Revision}{(put.Previous is { } previous ? $" was {Text(previous)}" : "")}",
        KvReply.DeleteRange delete => $"deleted {delete.Deleted}@{delete.Revision}"
            + string.Concat(delete.Previous.Select(static r => $" was {Text(r)}")),
        KvReply.Range range => Text(range.Result),
        KvReply.Txn txn => $"{(txn.Succeeded ? "then" : "else")}@{txn.Revision}[{string.Join("; ", txn.Responses.Select(Text))}]",
        KvReply.Compact compact => $"compacted@{compact.Revision}",
        KvReply.LeaseGrant grant => $"lease {grant.Id} for {grant.Seconds} s@{grant.Revision}",
        KvReply.LeaseRevoke revoke => $"revoked@{revoke.Revision}",
        KvReply.LeaseRenew renew => $"renewed for {renew.Seconds} s@{renew.Revision}",
        KvReply.Alarm alarm => $"alarms [{string.Join(' ', alarm.Alarms.Select(static a => $"{a.Member}:{a.Type}"))}]@{alarm.Revision}",
        KvReply.CheckNoted noted => $"noted@{noted.Revision}",
        KvReply.Keyspace keyspace => $"keyspace {keyspace.Shard}, quota {keyspace.QuotaBytes}@{keyspace.Revision}",
        KvReply.Member member => $"member {member.Id}@{member.Revision}",
        KvReply.AuthDone done => $"done@{done.Revision}",
        KvReply.Refused refused => $"{refused.Refusal}@{refused.Revision}",
        _ => throw Invariant.Unreachable(reply),
    };

    public static string Text(RangeResult result) => result.Refusal != KvRefusal.None
        ? $"{result.Refusal}@{result.Revision}"
        : $"{result.Count}@{result.Revision}{(result.More ? " more" : "")}"
            + string.Concat(result.Records.Select(static r => $" {Text(r)}"));

    // key=value(create,mod,version)
    private static string Text(KeyValueRecord record) =>
        $"{Text(record.Key)}={Text(record.Value)}({record.CreateRevision},{record.ModRevision},{record.Version}"
            + $"{(record.Lease == 0 ? "" : $",{record.Lease}")})";

    private static string Text(ReadOnlyMemory<byte> bytes) =>
        string.Concat(bytes.ToArray().Select(static b => b is > 32 and < 127 ? $"{(char)b}" : $"\\{b:x2}"));
}
