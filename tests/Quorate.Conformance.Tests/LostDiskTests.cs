using Google.Protobuf;
using Quorate.Conformance.Tests.Faults;
using Quorate.FrontDoors.Etcd.Client;
using Quorate.FrontDoors.Etcd.Protos;
using Xunit;

namespace Quorate.Conformance.Tests;

/// <summary>A member that comes back with nothing, under its old name.</summary>
public sealed class LostDiskTests
{
    // Goal: it has forgotten what it promised, so it counts for nothing. It does not even start while another member is there to tell it
    // (etcd's words); where nobody is, it and one other do not make a majority; and nothing that was acknowledged is lost.
    [Fact]
    public async Task A_member_with_an_empty_disk_is_no_part_of_a_majority()
    {
        using ClusterProcesses cluster = ClusterProcesses.StartReady(3);
        (ServerProcess stays, ServerProcess leaves, ServerProcess wiped) = (cluster.Servers[0], cluster.Servers[1], cluster.Servers[2]);
        using var client = new KeyValues(stays);
        await client.PutManyAsync("disk/", 1, 40);
        wiped.Kill();
        Directory.Delete(cluster.DataDirectoryOf(2), recursive: true);
        (int code, string log) = wiped.StartAndFail();
        Assert.Contains("has already been bootstrapped", log, StringComparison.Ordinal);
        Assert.Equal(3, code);
        await client.PutManyAsync("disk/", 41, 60);

        stays.Kill();
        leaves.Kill();
        int said = wiped.Log.Length;
        wiped.Start();
        wiped.WaitForLog("event=node-started", said);
        stays.Start();
        stays.WaitForLog("event=peer-disowned", 0);
        await ExpectNoWriteAsync(stays);
        await ExpectNoWriteAsync(wiped);

        leaves.Start();
        leaves.WaitUntilReady();
        await client.ExpectManyAsync("disk/", 1, 60);
        using var other = new KeyValues(leaves);
        await other.ExpectManyAsync("disk/", 1, 60);
        Assert.True(stays.IsRunning, stays.Log);
        FaultRecord.Book("D13", "service");
    }

    private static async Task ExpectNoWriteAsync(ServerProcess server)
    {
        using var client = new EtcdGrpcClient([server.Endpoint]);
        var put = new PutRequest { Key = ByteString.CopyFromUtf8("alone"), Value = ByteString.CopyFromUtf8(server.Name) };
        await Assert.ThrowsAsync<EtcdRpcException>(() => client.CallAsync(EtcdMethods.Put, put, TimeSpan.FromSeconds(6)));
    }
}
