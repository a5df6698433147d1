using System.Collections.Immutable;

namespace Quorate.Core;

/// <summary>One committed command.</summary>
public readonly ref struct CommittedCommand
{
    /// <summary>Creates the command.</summary>
    public CommittedCommand(
        LogIndex index, HybridTime stampedAt, ReadOnlySpan<byte> payload, long clock = 0, ImmutableArray<ReplicaPlace> voters = default)
    {
        Index = index;
        StampedAt = stampedAt;
        Payload = payload;
        Clock = clock;
        Voters = voters.IsDefault ? [] : voters;
    }

    /// <summary>The entry it came in. Several commands may share one entry.</summary>
    public LogIndex Index { get; }

    /// <summary>The leader's clock when it made the entry; never before that of an earlier entry.</summary>
    public HybridTime StampedAt { get; }

    /// <summary>
    /// The shard's clock when the leader made the entry: milliseconds that leaders have measured, each for the time it led, with
    /// no wall clock. Never goes back. It counts no time twice, so it is never faster than real time but for clock drift.
    /// </summary>
    public long Clock { get; }

    /// <summary>The bytes that were proposed.</summary>
    public ReadOnlySpan<byte> Payload { get; }

    /// <summary>The shard's voters as of the entry, in order of their ids; of a joint membership those to come. The same for every replica.</summary>
    public ImmutableArray<ReplicaPlace> Voters { get; }
}

/// <summary>
/// What a shard's log is applied to. Equal states and equal commands give equal states and replies, on every node and in
/// every build: no clock, no randomness, no I/O but the store. All its state is in the store; what it keeps in memory
/// can be read back by <see cref="Open"/>.
/// </summary>
public interface IStateMachine
{
    /// <summary>Reads what it keeps in memory. Called before the first command, and again after a snapshot replaced the store.</summary>
    void Open(IStoreReader store);

    /// <summary>Applies one command. A refusal is a reply, never an exception: every replica must come to it alike.</summary>
    /// <param name="command">The command. A payload this machine cannot read gets a refusal as its reply.</param>
    /// <param name="store">Reads and writes; read-your-writes within and across commands.</param>
    /// <param name="reply">Empty; the machine writes its reply, which goes back to whoever proposed.</param>
    void Apply(in CommittedCommand command, IStoreWriter store, ByteWriter reply);

    /// <summary>What is at stake if this command is refused for now. Asked on any node before the command is in the log; reads no state.</summary>
    /// <param name="command">The command; one that this machine cannot read is ordinary.</param>
    CommandUrgency UrgencyOf(ReadOnlySpan<byte> command) => CommandUrgency.Ordinary;

    /// <summary>True if the command asks for a change of the shard's members: a leader lets <see cref="JudgeMembers"/> decide before it is in the log.</summary>
    bool ChangesMembers(ReadOnlySpan<byte> command) => false;

    /// <summary>
    /// Decides on a leader about a command that <see cref="ChangesMembers"/>. All changes before it are applied and no other is under
    /// way. The verdict's command and steps travel in one entry, so what the machine stores of members cannot part from the group.
    /// </summary>
    /// <param name="command">The command as it was proposed.</param>
    /// <param name="members">All members, in order of id.</param>
    /// <param name="fresh">An id for a new member: no member's.</param>
    /// <param name="store">What this leader has applied.</param>
    /// <returns>Null if the machine changes no members: the command is applied as any other.</returns>
    MemberVerdict? JudgeMembers(ReadOnlySpan<byte> command, ImmutableArray<MemberFact> members, NodeId fresh, IStoreReader store) => null;

    /// <summary>
    /// When the machine has something to do by itself, as a time of the shard's clock; null if never. It may be too early, never
    /// too late. Any replica may lead next, so each knows it; it changes with <see cref="Open"/>, <see cref="Apply"/> and
    /// <see cref="ApplyTimer"/> only.
    /// </summary>
    long? NextDeadline => null;

    /// <summary>
    /// Does what was due, or the first part of it: as a command, a step of every replica at the same place of the log. The host
    /// sends one some time after <see cref="NextDeadline"/> has come, and the next as long as that is not later.
    /// </summary>
    /// <param name="index">The entry it came in, after the commands of that entry.</param>
    /// <param name="due">All that was to be done by this time of the shard's clock is due, and nothing else.</param>
    /// <param name="store">Reads and writes.</param>
    void ApplyTimer(LogIndex index, long due, IStoreWriter store)
    {
    }

    /// <summary>
    /// The keyspaces that the state speaks of: the host of a cluster's first shard creates and deletes shards by it. Another object
    /// whenever the list has changed, by <see cref="Open"/> or <see cref="Apply"/>.
    /// </summary>
    KeyspaceList Keyspaces => KeyspaceList.Empty;

    /// <summary>Writes what it kept back while it applied several commands. Called before their effects are published.</summary>
    void Finish(IStoreWriter store);

    /// <summary>How many leading bytes of a key go into the filters of files; see <see cref="IStoreReader.TryGetFirst"/>.</summary>
    int FilterPrefixLength(ReadOnlySpan<byte> key);

    /// <summary>Says which records a compaction may drop, or null to keep all. Called when a compaction starts.</summary>
    /// <param name="store">The store as of now; read what is needed before returning.</param>
    ICompactionFilter? CreateCompactionFilter(IStoreReader store);

    /// <summary>
    /// A count that grows by about one with each record that compaction filters may drop from now on; never goes back. By it the host
    /// tells when files are worth rewriting.
    /// </summary>
    long Forgotten => 0;

    /// <summary>How replicas of this machine are compared; null if they cannot be. The same object at any time.</summary>
    IStateChecks? Checks => null;

    /// <summary>A hash of the logical state: equal on replicas that applied the same entries, whatever their files look like.</summary>
    ulong HashState(IStoreReader store);
}

/// <summary>Drops records that no reader can ask for any more. Sees each merged key once, in order; one use, any thread.</summary>
public interface ICompactionFilter
{
    /// <summary>True to keep the record.</summary>
    /// <param name="key">Greater than the key before.</param>
    /// <param name="value">Its newest value.</param>
    /// <param name="isBottommost">
    /// True only if every older record under the key's filter prefix (<see cref="IStateMachine.FilterPrefixLength"/>) takes part
    /// in this compaction. No older file in the range of its keys is not enough: a tombstone of a machine hides records that
    /// sort after it, and these may lie behind the last key of the compaction, in the next file of the level or in an older one.
    /// </param>
    bool Keep(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value, bool isBottommost);
}

/// <summary>Under which shortages a command is still taken.</summary>
public enum CommandUrgency
{
    /// <summary>Refused while the disk is nearly full, and while the store is behind with its work.</summary>
    Ordinary,

    /// <summary>Gives back space: taken while the disk is nearly full, from the reserve that is kept for it.</summary>
    FreesSpace,

    /// <summary>
    /// Moves a deadline, and hardly needs space: taken while the disk is nearly full and while the store is behind. A machine's
    /// time goes on meanwhile, so what its owners hold on to would end although they ask in time.
    /// </summary>
    MovesDeadline,
}
