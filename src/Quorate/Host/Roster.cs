using System.Collections.Immutable;
using Quorate.Core;
using Quorate.Node.Peers;
using Quorate.Replication;
using Quorate.Settings;
using Quorate.StateMachines.KeyValue;

namespace Quorate.Host;

/// <summary>A member of a cluster, as a node of it tells those that ask.</summary>
/// <param name="Record">Its name and URLs.</param>
/// <param name="IsLearner">It has no vote.</param>
internal sealed record RosterMember(MemberRecord Record, bool IsLearner);

/// <summary>
/// Who belongs to a cluster, asked over the peer port by nodes that join or have lost touch. Question: version u8 (1) | the asker's
/// node id u64, 0 if it knows none. Answer: version u8 (1) | cluster u64 | asker was removed u8 | count varuint | members: id u64, learner u8, name
/// text, peer URLs, client URLs, each list a varuint count and texts.
/// </summary>
/// <param name="Cluster">The cluster.</param>
/// <param name="AskerWasRemoved">The node that asks was a member and was removed.</param>
/// <param name="Members">In order of id; empty on a node that has not heard yet who they are.</param>
internal sealed record Roster(ClusterId Cluster, bool AskerWasRemoved, ImmutableArray<RosterMember> Members)
{
    private const byte Version = 1;
    private const int MaxMembers = 1000;

    private static readonly TimeSpan AskTimeout = TimeSpan.FromSeconds(2);

    /// <summary>Reads it out of a view.</summary>
    /// <param name="cluster">The view's cluster.</param>
    /// <param name="view">The state.</param>
    /// <param name="asker">Who asks, or none.</param>
    public static Roster Of(ClusterId cluster, IStoreReader view, NodeId asker) => new(
        cluster, asker != NodeId.None && MemberQueries.IsRemoved(view, asker),
        [
            .. ShardMembers.Read(view).Select(member => new RosterMember(
                MemberQueries.Find(view, member.Node) ?? new MemberRecord(member.Node.Value, "", [], []), member.IsLearner)),
        ]);

    /// <summary>Asks a node. Blocks for at most 2 s.</summary>
    /// <param name="streams">As for links between members.</param>
    /// <param name="url">The node's peer URL.</param>
    /// <param name="asker">Who asks, or none.</param>
    /// <param name="problem">Why there is no answer.</param>
    public static Roster? Ask(PeerStreamFactory streams, ServerUrl url, NodeId asker, out string problem)
    {
        problem = "";
        try
        {
            var question = new ByteWriter();
            question.U8(Version);
            question.U64(asker.Value);
            var address = new PeerAddress(NodeId.None, url.Host, url.Port, url.IsTls);
            ReadOnlyMemory<byte> answer = PeerInquiry.Ask(streams, address, question.WrittenMemory, AskTimeout);
            if (TryRead(answer.Span) is { } roster) { return roster; }
            problem = "its answer cannot be read";
        }
        catch (Exception e) when (e is IOException or System.Net.Sockets.SocketException)
        {
            problem = e.Message;
        }

        return null;
    }

    /// <summary>Who asks; null if the question cannot be read.</summary>
    public static NodeId? ReadQuestion(ReadOnlySpan<byte> question)
    {
        var reader = new ByteReader(question);
        byte version = reader.U8();
        ulong asker = reader.U64();
        return version == Version && reader.AtEnd ? new NodeId(asker) : null;
    }

    /// <summary>The answer's bytes.</summary>
    public byte[] Write()
    {
        var writer = new ByteWriter();
        writer.U8(Version);
        writer.U64(Cluster.Value);
        writer.Bool(AskerWasRemoved);
        writer.VarUInt((ulong)Members.Length);
        foreach (RosterMember member in Members)
        {
            writer.U64(member.Record.Id);
            writer.Bool(member.IsLearner);
            writer.Text(member.Record.Name);
            WriteTexts(writer, member.Record.PeerUrls);
            WriteTexts(writer, member.Record.ClientUrls);
        }

        return writer.ToArray();
    }

    /// <summary>Reads an answer; null if it is malformed.</summary>
    public static Roster? TryRead(ReadOnlySpan<byte> answer)
    {
        var reader = new ByteReader(answer);
        byte version = reader.U8();
        var cluster = new ClusterId(reader.U64());
        bool wasRemoved = reader.Bool();
        ImmutableArray<RosterMember>.Builder members = ImmutableArray.CreateBuilder<RosterMember>();
        for (int left = reader.Count(MaxMembers); left > 0 && !reader.Failed; left--)
        {
            ulong id = reader.U64();
            bool isLearner = reader.Bool();
            string name = reader.Text();
            ImmutableArray<string> peerUrls = ReadTexts(ref reader);
            members.Add(new RosterMember(new MemberRecord(id, name, peerUrls, ReadTexts(ref reader)), isLearner));
        }

        return version == Version && reader.AtEnd ? new Roster(cluster, wasRemoved, members.DrainToImmutable()) : null;
    }

    private static void WriteTexts(ByteWriter writer, ImmutableArray<string> texts)
    {
        writer.VarUInt((ulong)texts.Length);
        foreach (string text in texts) { writer.Text(text); }
    }

    private static ImmutableArray<string> ReadTexts(ref ByteReader reader)
    {
        ImmutableArray<string>.Builder texts = ImmutableArray.CreateBuilder<string>();
        for (int left = reader.Count(MemberRecord.MaxUrls); left > 0 && !reader.Failed; left--) { texts.Add(reader.Text()); }
        return texts.DrainToImmutable();
    }
}
