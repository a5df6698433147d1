using System.Globalization;
using Quorate.Cli;
using Quorate.FrontDoors.Etcd.Client;
using Quorate.FrontDoors.Etcd.Protos;
using Quorate.Kv;

namespace Quorate.Members;

/// <summary>What the verbs about members ask the cluster.</summary>
internal static class MemberCalls
{
    /// <summary>All members; linearizable.</summary>
    /// <exception cref="CliException">Any outcome but an answer.</exception>
    public static Task<MemberListResponse> ListAsync(EtcdGrpcClient client, TimeSpan timeout, CancellationToken cancellationToken) =>
        Rpc.CallAsync(client, EtcdMethods.MemberList, new MemberListRequest { Linearizable = true }, timeout, isWrite: false, cancellationToken);

    /// <summary>Adds a member.</summary>
    /// <exception cref="CliException">Any outcome but an answer.</exception>
    public static Task<MemberAddResponse> AddAsync(
        EtcdGrpcClient client, IEnumerable<string> peerUrls, bool isLearner, TimeSpan timeout, CancellationToken cancellationToken)
    {
        var request = new MemberAddRequest { IsLearner = isLearner };
        request.PeerURLs.AddRange(peerUrls);
        return Rpc.CallAsync(client, EtcdMethods.MemberAdd, request, timeout, isWrite: true, cancellationToken);
    }

    /// <summary>The member of a name or id.</summary>
    /// <exception cref="CliException">There is none, or two have the name; or no answer came.</exception>
    public static async Task<Member> FindAsync(EtcdGrpcClient client, string nameOrId, TimeSpan timeout, CancellationToken cancellationToken)
    {
        MemberListResponse list = await ListAsync(client, timeout, cancellationToken);
        Member[] found = [.. list.Members.Where(m => m.Name == nameOrId)];
        if (found.Length == 0 && ulong.TryParse(nameOrId, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out ulong id))
        {
            found = [.. list.Members.Where(m => m.ID == id)];
        }

        return found.Length switch
        {
            1 => found[0],
            0 => throw new CliException(ExitCode.Precondition, $"there is no member '{nameOrId}'; quorate member list shows them. Nothing was done."),
            _ => throw new CliException(ExitCode.Precondition, $"{found.Length} members are called '{nameOrId}'; name one by its id. Nothing was done."),
        };
    }
}
