using Google.Protobuf;
using Quorate.FrontDoors.Etcd;
using Quorate.FrontDoors.Etcd.Client;
using Quorate.FrontDoors.Etcd.Protos;
using Xunit;

namespace Quorate.Tests.FrontDoors;

// Goal: a client with a user logs in by itself, once as long as its token is good, and never does a write twice or leaves it in doubt.
public class EtcdLoginTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task A_token_that_is_good_no_more_is_renewed_and_the_write_happens_once()
    {
        await using EtcdDoor door = await Open();
        using EtcdGrpcClient root = Client(door, new EtcdUser("root", "r"));
        await root.CallAsync(EtcdMethods.Put, Put("k"), Patience); // Not asked for users yet.
        await root.CallAsync(EtcdMethods.AuthEnable, new AuthEnableRequest(), Patience);
        await root.CallAsync(EtcdMethods.Put, Put("k"), Patience);
        await root.CallAsync(EtcdMethods.AuthDisable, new AuthDisableRequest(), Patience);
        await door.Call(EtcdMethods.AuthEnable, new AuthEnableRequest());
        await root.CallAsync(EtcdMethods.Put, Put("k"), Patience);
        Assert.Equal(3, (await Get(root, "k")).Version);
    }

    [Fact]
    public async Task A_wrong_password_is_the_servers_refusal()
    {
        await using EtcdDoor door = await Open();
        await door.Call(EtcdMethods.AuthEnable, new AuthEnableRequest());
        using EtcdGrpcClient client = Client(door, new EtcdUser("root", "wrong"));
        EtcdRpcException refused = await Assert.ThrowsAsync<EtcdRpcException>(() => client.CallAsync(EtcdMethods.Put, Put("k"), Patience));
        Assert.Equal("etcdserver: authentication failed, invalid user ID or password", refused.Message);
        Assert.Equal(EtcdFailure.Final, EtcdFailures.Of(refused.Status, refused.Message, refused.WasSent));
    }

    // Goal: a login without an answer leaves no write in doubt: the write was not sent.
    [Fact]
    public async Task Without_a_token_nothing_is_sent()
    {
        await using EtcdDoor door = await Open();
        await door.Call(EtcdMethods.AuthEnable, new AuthEnableRequest());
        using EtcdGrpcClient client = Client(door, new EtcdUser("root", "r"));
        door.Node.Gate = new TaskCompletionSource().Task;
        EtcdRpcException failure = await Assert.ThrowsAsync<EtcdRpcException>(
            () => client.CallAsync(EtcdMethods.Put, Put("k"), TimeSpan.FromMilliseconds(100)));
        Assert.False(failure.WasSent, failure.Message);
    }

    // Goal: whenever the refusal comes, before or after the request is written, it is the refusal that is told.
    [Fact]
    public async Task A_refused_stream_says_why()
    {
        await using EtcdDoor door = await Open();
        await door.Call(EtcdMethods.AuthEnable, new AuthEnableRequest());
        using EtcdGrpcClient nobody = Client(door, user: null);
        for (int i = 0; i < 20; i++)
        {
            await using EtcdGrpcStream<SnapshotRequest, SnapshotResponse> stream = nobody.OpenStream(EtcdMethods.Snapshot, 0);
            await Task.Delay(i);
            await stream.WriteAsync(new SnapshotRequest());
            stream.Complete();
            Assert.Equal("etcdserver: user name is empty", (await Assert.ThrowsAsync<EtcdRpcException>(stream.ReadAsync)).Message);
        }
    }

    [Fact]
    public void A_password_is_in_no_text() => Assert.DoesNotContain("secret", new EtcdUser("root", "secret").ToString(), StringComparison.Ordinal);

    private static async Task<EtcdDoor> Open()
    {
        EtcdDoor door = await EtcdDoor.Open(static o => o with { Auth = new EtcdAuthOptions { PasswordCost = 4 } });
        await door.Call(EtcdMethods.UserAdd, new AuthUserAddRequest { Name = "root", Password = "r" });
        await door.Call(EtcdMethods.UserGrantRole, new AuthUserGrantRoleRequest { User = "root", Role = "root" });
        return door;
    }

    private static EtcdGrpcClient Client(EtcdDoor door, EtcdUser? user) => new([new Uri($"http://{door.Address}")], retry: EtcdRetryPolicy.Never, user: user);

    private static PutRequest Put(string key) => new() { Key = ByteString.CopyFromUtf8(key), Value = ByteString.CopyFromUtf8("v") };

    private static async Task<KeyValue> Get(EtcdGrpcClient client, string key) =>
        Assert.Single((await client.CallAsync(EtcdMethods.Range, new RangeRequest { Key = ByteString.CopyFromUtf8(key) }, Patience)).Kvs);
}
