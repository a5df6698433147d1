using System.Collections.Immutable;
using Quorate.Core;
using Quorate.Node.Peers;
using Quorate.Replication;
using Quorate.Settings;
using Quorate.StateMachines;
using Quorate.StateMachines.KeyValue;

namespace Quorate.Host;

/// <summary>What a member may not do with these settings; the words are etcd's where etcd has some.</summary>
internal sealed class ClusterStartException(string message) : Exception(message);

/// <summary>Who this server is, and in which cluster, before its data directory is opened.</summary>
/// <param name="Cluster">The cluster.</param>
/// <param name="Node">This member.</param>
/// <param name="Shard">What to create if the directory is new.</param>
/// <param name="Founders">The members that the cluster begins with, as its founders know them; empty on one that joins.</param>
/// <param name="Peers">Where the others were last known to be.</param>
internal sealed record ClusterStart(
    ClusterId Cluster, NodeId Node, ShardDescriptor Shard, ImmutableArray<MemberRecord> Founders, ImmutableArray<PeerAddress> Peers)
{
    private static readonly ShardDescriptor Joining = new(ServerHost.FirstShard, (int)Catalog.KeyValue.Id, []);

    /// <summary>Decides. May ask the other members of <c>--initial-cluster</c>, if the directory is new.</summary>
    /// <param name="settings">Without problems.</param>
    /// <param name="files">The data directory.</param>
    /// <param name="streams">As for links between members.</param>
    /// <exception cref="ClusterStartException">It cannot be a member.</exception>
    public static ClusterStart Decide(ServerSettings settings, IFileSystem files, PeerStreamFactory streams)
    {
        ClusterStart founder = Founding(settings);
        bool isExisting = settings.InitialClusterState == "existing";
        if (NodeCore.OwnerOf(files) is { } owner)
        {
            // A member that runs again: as in etcd, what it was once told of the cluster is not looked at any more. A founder's
            // settings are, unless told that the cluster exists: they keep one member from opening another's directory.
            bool isFounder = (owner.Cluster, owner.Node) == (founder.Cluster, founder.Node);
            bool isTaken = !isFounder && (isExisting || owner.HasJoined);
            return isTaken ? new ClusterStart(owner.Cluster, owner.Node, Joining, [], []) : founder;
        }

        if (isExisting) { return Join(settings, streams); }
        RefuseIfKnown(settings, founder, streams);
        return founder;
    }

    /// <summary>As a founder computes it from its settings alone.</summary>
    public static ClusterStart Founding(ServerSettings settings) => new(
        settings.Cluster, settings.Self.Id,
        // By id, not as written: all members must create the same shard.
        new ShardDescriptor(
            ServerHost.FirstShard, (int)Catalog.KeyValue.Id,
            [.. settings.InitialCluster.OrderBy(m => m.Id).Select(m => new ReplicaPlace(new ReplicaId(m.Id.Value), m.Id))]),
        [.. settings.InitialCluster.Select(m => new MemberRecord(m.Id.Value, m.Name, [m.PeerUrl.Text], []))],
        [.. settings.InitialCluster.Select(m => new PeerAddress(m.Id, m.PeerUrl.Host, m.PeerUrl.Port, m.PeerUrl.IsTls))]);

    /// <summary>Where a member's peers reach it: its URLs that can be called, in their order; null if there is none.</summary>
    public static PeerAddress? AddressOf(MemberRecord member)
    {
        PeerAddress? first = null;
        foreach (string text in member.PeerUrls.Reverse())
        {
            if (ServerUrl.TryParse(text, out ServerUrl? url) is null)
            {
                first = new PeerAddress(new NodeId(member.Id), url!.Host, url.Port, url.IsTls) { Next = first };
            }
        }

        return first;
    }

    private static ClusterStart Join(ServerSettings settings, PeerStreamFactory streams)
    {
        Roster? roster = null;
        var problems = new List<string>();
        foreach (InitialMember member in settings.InitialCluster.Where(m => m.Name != settings.Name))
        {
            roster = Roster.Ask(streams, member.PeerUrl, NodeId.None, out string problem);
            if (roster is { Members.IsEmpty: false }) { break; }
            problems.Add($"{member.PeerUrl}: {(roster is null ? problem : "it does not know the members yet")}");
            roster = null;
        }

        if (roster is null)
        {
            throw new ClusterStartException(
                "cannot fetch cluster info from peer urls: could not retrieve cluster information from the given URLs" +
                (problems.Count == 0 ? "; --initial-cluster names nobody but this member" : " (" + string.Join("; ", problems) + ")"));
        }

        RosterMember self = Match(settings, roster);
        return new ClusterStart(
            roster.Cluster, new NodeId(self.Record.Id), Joining, [],
            [.. roster.Members.Where(m => m != self).Select(m => AddressOf(m.Record)).OfType<PeerAddress>()]);
    }

    // etcd's ValidateClusterAndAssignIDs: both lists must name the same URLs; only the cluster's ids count.
    private static RosterMember Match(ServerSettings settings, Roster roster)
    {
        string told = string.Join(' ', roster.Members.Select(m => $"{m.Record.Id:x}={string.Join(',', m.Record.PeerUrls)}"));
        bool isKnown = settings.InitialCluster.All(m => roster.Members.Any(r => r.Record.PeerUrls.Contains(m.PeerUrl.Text)))
            && roster.Members.All(r => settings.InitialCluster.Any(m => r.Record.PeerUrls.Contains(m.PeerUrl.Text)));
        if (!isKnown && roster.Members.Length != settings.InitialCluster.Length)
        {
            throw new ClusterStartException(
                $"error validating peerURLs [{told}]: member count is unequal; --initial-cluster has {settings.InitialCluster.Length}");
        }

        RosterMember? self = null;
        foreach (RosterMember member in roster.Members)
        {
            InitialMember? match = settings.InitialCluster.FirstOrDefault(m => member.Record.PeerUrls.Contains(m.PeerUrl.Text));
            if (match is null)
            {
                throw new ClusterStartException(
                    $"error validating peerURLs [{told}]: PeerURLs: no match found for existing member " +
                    $"({member.Record.Id:x}, [{string.Join(' ', member.Record.PeerUrls)}])");
            }

            if (match.Name == settings.Name) { self = member; }
        }

        // A member may have several URLs, and its name may stand at another.
        if (self is null) { throw new ClusterStartException($"error validating peerURLs [{told}]: none of them is this member's"); }

        // It would share a name with what it was before its disk was lost, and that had promised things which are forgotten now.
        return self.Record.Name.Length == 0 ? self : throw new ClusterStartException(Bootstrapped(new NodeId(self.Record.Id)));
    }

    // A founder with an empty directory is one that starts for the first time, or one that has lost its disk. The others know.
    private static void RefuseIfKnown(ServerSettings settings, ClusterStart founder, PeerStreamFactory streams)
    {
        InitialMember[] others = [.. settings.InitialCluster.Where(m => m.Name != settings.Name)];
        var rosters = new Roster?[others.Length];
        Parallel.For(0, others.Length, i => rosters[i] = Roster.Ask(streams, others[i].PeerUrl, founder.Node, out _));
        foreach (Roster roster in rosters.OfType<Roster>().Where(r => r.Cluster == founder.Cluster))
        {
            if (roster.AskerWasRemoved) { throw new ClusterStartException("the member has been permanently removed from the cluster"); }
            RosterMember? self = roster.Members.FirstOrDefault(m => m.Record.Id == founder.Node.Value);
            if (self is { Record.ClientUrls.IsEmpty: false }) { throw new ClusterStartException(Bootstrapped(founder.Node)); }
        }
    }

    private static string Bootstrapped(NodeId node) =>
        $"member {node.Value:x} has already been bootstrapped; if its data directory is lost, replace the member: quorate member replace {node.Value:x}";
}
