using System.Collections.Immutable;

namespace Quorate.StateMachines.KeyValue;

/// <summary>What is known of a member beyond its part in the group. That it belongs to the group is said by Raft's membership alone.</summary>
/// <param name="Id">Its node id.</param>
/// <param name="Name">For people. Empty: the member has not started yet.</param>
/// <param name="PeerUrls">Where its peers reach it.</param>
/// <param name="ClientUrls">Where clients reach it; empty until it has started.</param>
public sealed record MemberRecord(ulong Id, string Name, ImmutableArray<string> PeerUrls, ImmutableArray<string> ClientUrls)
{
    /// <summary>Most URLs of one kind that a member may have, and their longest length in characters. Our own bounds.</summary>
    public const int MaxUrls = 16;

    /// <summary>Longest URL, and longest name, in bytes of UTF-8.</summary>
    public const int MaxTextBytes = 1024;

    /// <summary>Compares the contents of the lists.</summary>
    public bool Equals(MemberRecord? other) =>
        other is not null && Id == other.Id && Name == other.Name && PeerUrls.SequenceEqual(other.PeerUrls) &&
        ClientUrls.SequenceEqual(other.ClientUrls);

    /// <inheritdoc/>
    public override int GetHashCode() => unchecked((int)Id);
}
