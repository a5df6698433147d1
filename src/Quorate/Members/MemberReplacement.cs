using System.Diagnostics;
using Quorate.Cli;
using Quorate.FrontDoors.Etcd.Client;
using Quorate.FrontDoors.Etcd.Protos;
using Quorate.Kv;

namespace Quorate.Members;

/// <summary>
/// Replaces a member whose disk is gone. The old one is removed first: it is down, so the majority that is left does not shrink, and
/// at no time are more members needed than are there. Adding first would make four of which three are needed while three are up at most,
/// and the old one has the URL. The new one is a learner until it is in sync, so that it cannot be missed before it has ever run.
/// </summary>
/// <param name="client">The cluster.</param>
/// <param name="output">Is told each step.</param>
internal sealed class MemberReplacement(EtcdGrpcClient client, TextWriter output)
{
    private static readonly TimeSpan Wait = TimeSpan.FromSeconds(10);

    /// <summary>Removes the old one, adds the new one, and says what to start.</summary>
    /// <param name="nameOrId">The old one; or the new one that an interrupted call has added.</param>
    /// <param name="cancellationToken">Stops in between; what was done stays done.</param>
    /// <returns>The new member's id.</returns>
    /// <exception cref="CliException">A step was refused, or its outcome is unknown: asking again is safe.</exception>
    public async Task<ulong> StartAsync(string nameOrId, CancellationToken cancellationToken)
    {
        Member old = await MemberCalls.FindAsync(client, nameOrId, Wait, cancellationToken);
        if (old.Name.Length == 0 && old.IsLearner)
        {
            output.WriteLine($"member {Table.Hex(old.ID)} is a replacement that has not started yet");
            return old.ID;
        }

        await Rpc.CallAsync(client, EtcdMethods.MemberRemove, new MemberRemoveRequest { ID = old.ID }, Wait, isWrite: true, cancellationToken);
        output.WriteLine($"member {Table.Hex(old.ID)} removed");
        try
        {
            MemberAddResponse added = await MemberCalls.AddAsync(client, old.PeerURLs, isLearner: true, Wait, cancellationToken);
            output.WriteLine($"member {Table.Hex(added.Member.ID)} added in its place, as a learner");
            WriteStart(output, old.Name, added);
            return added.Member.ID;
        }
        catch (CliException e)
        {
            throw new CliException(
                e.Code, $"{e.Message}; the old member is removed. Look with 'quorate member list', and if the new one is not there: "
                + $"quorate member add {old.Name} --learner --peer-urls {string.Join(',', old.PeerURLs)}", e);
        }
    }

    /// <summary>Promotes the new member as soon as it is in sync.</summary>
    /// <exception cref="CliException">Time ran out, or it was refused for another reason.</exception>
    public async Task PromoteAsync(ulong id, TimeSpan timeout, CancellationToken cancellationToken)
    {
        output.WriteLine("waiting until it has started and is in sync...");
        for (long start = Stopwatch.GetTimestamp(); ; await Task.Delay(500, cancellationToken))
        {
            try
            {
                await client.CallAsync(EtcdMethods.MemberPromote, new MemberPromoteRequest { ID = id }, Wait, cancellationToken);
                break;
            }
            catch (EtcdRpcException e) when (Stopwatch.GetElapsedTime(start) < timeout)
            {
                // Not in sync, or no leader for a moment. A promotion whose answer was lost shows as "not a learner".
                MemberListResponse list = await MemberCalls.ListAsync(client, Wait, cancellationToken);
                if (list.Members.FirstOrDefault(m => m.ID == id) is not { } member)
                {
                    throw new CliException(ExitCode.Precondition, $"member {Table.Hex(id)} was removed meanwhile", e);
                }

                if (!member.IsLearner) { break; }
            }
            catch (EtcdRpcException e)
            {
                throw new CliException(
                    CommandLine.CodeOf(e, isWrite: true), $"{e.Message}; promote it later: quorate member promote {Table.Hex(id)}", e);
            }
        }

        output.WriteLine($"member {Table.Hex(id)} promoted");
    }

    /// <summary>Says what to start, as etcdctl does, for an empty data directory.</summary>
    public static void WriteStart(TextWriter output, string name, MemberAddResponse added)
    {
        string cluster = string.Join(',', added.Members.SelectMany(m => m.PeerURLs.Select(url => $"{(m.ID == added.Member.ID ? name : NameOf(m))}={url}")));
        output.WriteLine("start it with an empty data directory, its own listen and client URLs, and:");
        output.WriteLine();
        output.WriteLine($"  --name {name} --initial-cluster {cluster} \\");
        output.WriteLine($"  --initial-advertise-peer-urls {string.Join(',', added.Member.PeerURLs)} --initial-cluster-state existing");
        output.WriteLine();
    }

    // One that has not started has no name yet, but the flag wants one.
    private static string NameOf(Member member) => member.Name.Length == 0 ? Table.Hex(member.ID) : member.Name;
}
