using System.Collections.Immutable;
using Quorate.Core;

namespace Quorate.StateMachines.KeyValue;

/// <summary>A request to the key-value machine, as it travels through the log.</summary>
/// <remarks>
/// <see cref="RequestChecks"/> says whether etcd would take it at its door; the machine refuses what depends on
/// the state. Equality is that of the memory referred to, not of its bytes.
/// </remarks>
public abstract partial record KvCommand
{
    /// <summary>
    /// Levels of transactions within each other, the outermost counted. One more than etcd's limit of 128 operations lets through:
    /// each level uses up one of them, and the innermost may be empty.
    /// </summary>
    public const int MaxTxnDepth = 129;

    private protected KvCommand()
    {
    }

    /// <summary>A command that may also stand in a transaction.</summary>
    public abstract record Op : KvCommand
    {
        private protected Op()
        {
        }
    }

    /// <summary>Sets a key's value.</summary>
    /// <param name="Key">At least 1 byte.</param>
    /// <param name="Value">Empty is a value.</param>
    public sealed record Put(ReadOnlyMemory<byte> Key, ReadOnlyMemory<byte> Value) : Op
    {
        /// <summary>The lease to hang the key on; 0 takes it off any.</summary>
        public long Lease { get; init; }

        /// <summary>Answer the record as it was before.</summary>
        public bool PrevKv { get; init; }

        /// <summary>Keep the value; the key must exist and <see cref="Value"/> be empty.</summary>
        public bool IgnoreValue { get; init; }

        /// <summary>Keep the lease; the key must exist and <see cref="Lease"/> be 0.</summary>
        public bool IgnoreLease { get; init; }
    }

    /// <summary>Deletes all keys of a range.</summary>
    /// <param name="Key">As <see cref="RangeQuery.Key"/>.</param>
    /// <param name="RangeEnd">As <see cref="RangeQuery.RangeEnd"/>.</param>
    public sealed record DeleteRange(ReadOnlyMemory<byte> Key, ReadOnlyMemory<byte> RangeEnd) : Op
    {
        /// <summary>Answer the records as they were before.</summary>
        public bool PrevKv { get; init; }
    }

    /// <summary>Reads. In a transaction it sees the writes before it; alone it is rather asked of a view (<see cref="KvQueries"/>).</summary>
    /// <param name="Query">What to read.</param>
    public sealed record Range(RangeQuery Query) : Op;

    /// <summary>If all conditions hold in the state before the outermost transaction, runs the one list, else the other.</summary>
    /// <param name="Compares">The conditions; none always holds.</param>
    /// <param name="Success">Run in order if all hold.</param>
    /// <param name="Failure">Run in order otherwise.</param>
    public sealed record Txn(ImmutableArray<KvCompare> Compares, ImmutableArray<Op> Success, ImmutableArray<Op> Failure) : Op
    {
        /// <summary>True if neither list writes, so that a view can answer it. Check the depth before.</summary>
        public bool IsReadOnly => Reads(Success) && Reads(Failure);

        /// <summary>True if either list, or one of a transaction within, has a put: such a transaction may let the store grow.</summary>
        public bool HasPut => Puts(Success) || Puts(Failure);

        private static bool Puts(ImmutableArray<Op> operations)
        {
            foreach (Op operation in operations)
            {
                if (operation is Put or Txn { HasPut: true }) { return true; }
            }

            return false;
        }

        private static bool Reads(ImmutableArray<Op> operations)
        {
            foreach (Op operation in operations)
            {
                if (operation is not (Range or Txn { IsReadOnly: true })) { return false; }
            }

            return true;
        }
    }

    /// <summary>An operation whose sender named no request. <see cref="RequestChecks"/> refuses it; it has no encoding.</summary>
    public sealed record NoRequest : Op;

    /// <summary>Gives up the history before a revision. The state at the revision itself stays readable.</summary>
    /// <param name="Revision">Above the last compacted one, at most the current one.</param>
    /// <param name="Physical">The sender waits until space is reclaimed. The host's matter: the machine does nothing about it.</param>
    public sealed record Compact(long Revision, bool Physical) : KvCommand;

    /// <summary>Creates a lease.</summary>
    /// <param name="Id">0: the machine chooses a positive one.</param>
    /// <param name="Seconds">How long it lives without a renewal; less than 1 counts as 1. A door raises it to its own minimum.</param>
    public sealed record LeaseGrant(long Id, long Seconds) : KvCommand;

    /// <summary>Ends a lease: deletes the keys that hang on it, in one revision.</summary>
    /// <param name="Id">The lease.</param>
    public sealed record LeaseRevoke(long Id) : KvCommand;

    /// <summary>Lets a lease live its whole time again, from now on.</summary>
    /// <param name="Id">The lease.</param>
    public sealed record LeaseRenew(long Id) : KvCommand;

    /// <summary>Raises or clears an alarm.</summary>
    /// <param name="Raise">False: clear it.</param>
    /// <param name="Member">The member it is about.</param>
    /// <param name="Type">What it says; one that is none of <see cref="KvAlarmType"/> changes nothing.</param>
    public sealed record Alarm(bool Raise, ulong Member, KvAlarmType Type) : KvCommand;

    /// <summary>Begins a comparison of the shard's replicas; see <see cref="StateCheck"/>.</summary>
    /// <param name="HashFormat">How they are to hash.</param>
    public sealed record CheckBegin(int HashFormat) : KvCommand;

    /// <summary>What a replica found in a comparison.</summary>
    /// <param name="At">The entry that began it.</param>
    /// <param name="Report">What it found.</param>
    public sealed record CheckReport(LogIndex At, StateReport Report) : KvCommand;

    /// <summary>Creates a keyspace. For the first shard alone, as the two that follow.</summary>
    /// <param name="Name">See <see cref="KeyspaceRules.IsName"/>.</param>
    /// <param name="QuotaBytes">Most bytes it is to hold on each node; 0: no limit of its own.</param>
    public sealed record KeyspaceCreate(string Name, long QuotaBytes) : KvCommand;

    /// <summary>Changes a keyspace's options.</summary>
    /// <param name="Name">Which.</param>
    /// <param name="QuotaBytes">As <see cref="KeyspaceCreate.QuotaBytes"/>.</param>
    public sealed record KeyspaceUpdate(string Name, long QuotaBytes) : KvCommand;

    /// <summary>Deletes a keyspace and all it holds.</summary>
    /// <param name="Name">Which.</param>
    public sealed record KeyspaceDelete(string Name) : KvCommand;

    /// <summary>Adds a member to the cluster. Judged by the leader, which completes it; see <see cref="MemberJudge"/>.</summary>
    /// <param name="IsLearner">It is to have no vote yet.</param>
    /// <param name="PeerUrls">Where its peers will reach it.</param>
    public sealed record MemberAdd(bool IsLearner, ImmutableArray<string> PeerUrls) : KvCommand
    {
        /// <summary>The fresh id that the leader chose; 0 before.</summary>
        public ulong Id { get; init; }

        /// <summary>What the leader has against it.</summary>
        public KvRefusal Refusal { get; init; }
    }

    /// <summary>Gives a learner its vote. Judged by the leader.</summary>
    /// <param name="Id">The member.</param>
    /// <param name="Refusal">What the leader has against it.</param>
    public sealed record MemberPromote(ulong Id, KvRefusal Refusal = KvRefusal.NotJudged) : KvCommand;

    /// <summary>Removes a member; its id never comes back. Judged by the leader.</summary>
    /// <param name="Id">The member.</param>
    /// <param name="Refusal">What the leader has against it.</param>
    public sealed record MemberRemove(ulong Id, KvRefusal Refusal = KvRefusal.NotJudged) : KvCommand;

    /// <summary>Changes where peers reach a member.</summary>
    /// <param name="Id">The member.</param>
    /// <param name="PeerUrls">All of them.</param>
    public sealed record MemberUpdate(ulong Id, ImmutableArray<string> PeerUrls) : KvCommand;

    /// <summary>What a member tells of itself when it has started.</summary>
    /// <param name="Id">The member.</param>
    /// <param name="Name">Its name.</param>
    /// <param name="ClientUrls">Where clients reach it.</param>
    public sealed record MemberPublish(ulong Id, string Name, ImmutableArray<string> ClientUrls) : KvCommand;

    /// <summary>The members that a cluster begins with. Those that are known, or were removed, stay as they are.</summary>
    /// <param name="Members">As all founders were told them.</param>
    public sealed record MemberSeed(ImmutableArray<MemberRecord> Members) : KvCommand;
}
