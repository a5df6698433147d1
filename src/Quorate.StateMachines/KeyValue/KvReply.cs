using System.Collections.Immutable;

namespace Quorate.StateMachines.KeyValue;

/// <summary>The machine's answer to a <see cref="KvCommand"/>.</summary>
/// <remarks>Equality is that of the memory and arrays referred to, not of their contents.</remarks>
/// <param name="Revision">
/// The store's revision for the answer's header: the new one if the command (within a transaction: it or an operation before it)
/// changed anything, else the current one. 0 for a transaction within a transaction (etcd).
/// </param>
public abstract partial record KvReply(long Revision)
{
    /// <summary>Answers <see cref="KvCommand.Put"/>.</summary>
    /// <param name="Revision">The new revision.</param>
    /// <param name="Previous">The record before, if asked for and there was one.</param>
    public sealed record Put(long Revision, KeyValueRecord? Previous) : KvReply(Revision);

    /// <summary>Answers <see cref="KvCommand.DeleteRange"/>.</summary>
    /// <param name="Revision">New if a key was deleted.</param>
    /// <param name="Deleted">How many keys there were.</param>
    /// <param name="Previous">Their records in order of key, if asked for; else empty.</param>
    public sealed record DeleteRange(long Revision, long Deleted, ImmutableArray<KeyValueRecord> Previous) : KvReply(Revision);

    /// <summary>Answers <see cref="KvCommand.Range"/>.</summary>
    /// <param name="Result">Never with a refusal: that is <see cref="Refused"/>.</param>
    public sealed record Range(RangeResult Result) : KvReply(Result.Revision);

    /// <summary>Answers <see cref="KvCommand.Txn"/>.</summary>
    /// <param name="Revision">New if an operation changed anything.</param>
    /// <param name="Succeeded">Which list ran.</param>
    /// <param name="Responses">One for each operation of that list, in order; never <see cref="Refused"/>.</param>
    public sealed record Txn(long Revision, bool Succeeded, ImmutableArray<KvReply> Responses) : KvReply(Revision);

    /// <summary>Answers <see cref="KvCommand.Compact"/>.</summary>
    /// <param name="Revision">The current revision.</param>
    public sealed record Compact(long Revision) : KvReply(Revision);

    /// <summary>Answers <see cref="KvCommand.LeaseGrant"/>.</summary>
    /// <param name="Revision">The current revision.</param>
    /// <param name="Id">The lease; chosen here if the command left it open.</param>
    /// <param name="Seconds">How long it lives.</param>
    public sealed record LeaseGrant(long Revision, long Id, long Seconds) : KvReply(Revision);

    /// <summary>Answers <see cref="KvCommand.LeaseRevoke"/>.</summary>
    /// <param name="Revision">New if keys were deleted.</param>
    public sealed record LeaseRevoke(long Revision) : KvReply(Revision);

    /// <summary>Answers <see cref="KvCommand.LeaseRenew"/>.</summary>
    /// <param name="Revision">The current revision.</param>
    /// <param name="Seconds">How long it lives from now on; 0 if there is no such lease.</param>
    public sealed record LeaseRenew(long Revision, long Seconds) : KvReply(Revision);

    /// <summary>Answers <see cref="KvCommand.Alarm"/>.</summary>
    /// <param name="Revision">The current revision.</param>
    /// <param name="Alarms">The alarm that is raised now, or was cleared; else none.</param>
    public sealed record Alarm(long Revision, ImmutableArray<KvAlarm> Alarms) : KvReply(Revision);

    /// <summary>Answers <see cref="KvCommand.CheckBegin"/> and <see cref="KvCommand.CheckReport"/>.</summary>
    /// <param name="Revision">The current revision.</param>
    public sealed record CheckNoted(long Revision) : KvReply(Revision);

    /// <summary>Answers <see cref="KvCommand.KeyspaceCreate"/>, <see cref="KvCommand.KeyspaceUpdate"/> and <see cref="KvCommand.KeyspaceDelete"/>.</summary>
    /// <param name="Revision">The current revision: keyspaces are no keys.</param>
    /// <param name="Shard">The keyspace's shard.</param>
    /// <param name="QuotaBytes">Its quota, as it is or was.</param>
    public sealed record Keyspace(long Revision, ulong Shard, long QuotaBytes) : KvReply(Revision);

    /// <summary>Answers <see cref="KvCommand.Auth"/>.</summary>
    /// <param name="Revision">The current revision.</param>
    public sealed record AuthDone(long Revision) : KvReply(Revision);

    /// <summary>Answers each command about members.</summary>
    /// <param name="Revision">The current revision.</param>
    /// <param name="Id">The member, the new one if one was added; 0 if it was about several.</param>
    public sealed record Member(long Revision, ulong Id) : KvReply(Revision);

    /// <summary>The command was refused as a whole and changed nothing.</summary>
    /// <param name="Revision">The current revision.</param>
    /// <param name="Refusal">Why; never None.</param>
    public sealed record Refused(long Revision, KvRefusal Refusal) : KvReply(Revision);
}
