using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using Quorate.Conformance.Tests.Faults;
using Quorate.FrontDoors.Etcd.Client;
using Quorate.FrontDoors.Etcd.Protos;
using Xunit;

namespace Quorate.Conformance.Tests;

/// <summary>Somebody who is no member, at a member's address or with a member's words.</summary>
public sealed class StrangerTests
{
    // Goal: a stranger at the address of a member that is down, and later what members said to him, sent to them again, changes
    // nothing: the others serve, nobody dies, and the member is taken in again. Method: the stranger answers with the caller's own
    // bytes, which are well-formed frames of this cluster.
    [Fact]
    public async Task A_stranger_at_a_members_address_who_repeats_what_members_said()
    {
        using ClusterProcesses cluster = ClusterProcesses.StartReady(3);
        ServerProcess absent = await DialedByAllAsync(cluster);
        ServerProcess[] others = [.. cluster.Servers.Where(server => server != absent)];
        using var client = new KeyValues(others[0]);
        await client.PutManyAsync("stranger/", 1, 20);

        absent.Kill();
        byte[][] heard = await ListenAsync(absent.PeerPort, () => client.PutManyAsync("stranger/", 21, 40));
        Assert.Contains(heard, words => words.AsSpan().StartsWith("QRPL"u8));
        foreach (ServerProcess server in others)
        {
            foreach (byte[] words in heard.Take(10))
            {
                using var connection = new RawConnection(server.PeerPort);
                connection.Send(words);
                connection.Send(words);
            }
        }

        await client.PutManyAsync("stranger/", 41, 60);
        absent.Start();
        absent.WaitUntilReady();
        foreach (ServerProcess server in cluster.Servers)
        {
            Assert.True(server.IsRunning, server.Log);
            Assert.DoesNotContain("level=error", server.Log, StringComparison.Ordinal);
            using var reader = new KeyValues(server);
            await reader.ExpectManyAsync("stranger/", 1, 60);
        }

        FaultRecord.Book("N12", "service");
        FaultRecord.Book("S2", "service");
    }

    // Of two members the one with the smaller id dials.
    private static async Task<ServerProcess> DialedByAllAsync(ClusterProcesses cluster)
    {
        var ids = new Dictionary<ulong, ServerProcess>();
        foreach (ServerProcess server in cluster.Servers)
        {
            using var client = new EtcdGrpcClient([server.Endpoint]);
            ids.Add((await client.CallAsync(EtcdMethods.Status, new StatusRequest(), TimeSpan.FromSeconds(20))).Header.MemberId, server);
        }

        return ids[ids.Keys.Max()];
    }

    private static async Task<byte[][]> ListenAsync(int port, Func<Task> meanwhile)
    {
        var heard = new ConcurrentQueue<byte[]>();
        using var listener = new TcpListener(IPAddress.Loopback, port);
        listener.Start();
        using var stop = new CancellationTokenSource(TimeSpan.FromSeconds(5));
        Task work = meanwhile();
        try
        {
            while (true)
            {
                using Socket caller = await listener.AcceptSocketAsync(stop.Token);
                byte[] words = new byte[4096];
                words = words[..await caller.ReceiveAsync(words, stop.Token)];
                heard.Enqueue(words);
                await caller.SendAsync(words, stop.Token);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException)
        {
            // Heard enough, or the caller would not go on.
        }

        await work;
        return [.. heard];
    }
}
