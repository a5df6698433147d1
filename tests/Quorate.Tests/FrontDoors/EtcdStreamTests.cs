using Google.Protobuf;
using Quorate.FrontDoors.Etcd;
using Quorate.FrontDoors.Etcd.Client;
using Quorate.FrontDoors.Etcd.Protos;
using Xunit;

namespace Quorate.Tests.FrontDoors;

/// <summary>Streaming RPCs over gRPC: ranges in parts, and what ends a stream.</summary>
public class EtcdStreamTests
{
    private static readonly ByteString Zero = ByteString.CopyFromUtf8("\0");

    // Goal: the parts of a range, merged, are the range, whatever its limit, and no part is much larger than a page.
    [Theory]
    [InlineData(0, false, false)]
    [InlineData(1, false, false)]
    [InlineData(7, true, false)]
    [InlineData(12, false, false)]
    [InlineData(500, false, false)]
    [InlineData(0, true, false)]
    [InlineData(3, false, true)]
    public async Task The_parts_of_a_range_are_the_range(long limit, bool keysOnly, bool countOnly)
    {
        await using EtcdDoor door = await EtcdDoor.Open();
        for (int i = 0; i < 12; i++) { await door.Put($"k{i:D2}", new string((char)('a' + i), 100_000)); }
        var request = new RangeRequest { Key = Zero, RangeEnd = Zero, Limit = limit, KeysOnly = keysOnly, CountOnly = countOnly };
        List<RangeResponse> parts = await ReadAll(door, request);

        var merged = new RangeResponse();
        foreach (RangeResponse part in parts)
        {
            Assert.InRange(part.CalculateSize(), 0, 400_000);
            merged.MergeFrom(part);
        }

        Assert.Equal((await door.Call(EtcdMethods.Range, request)).ToString(), merged.ToString());
        Assert.All(parts[..^1], part => Assert.Null(part.Header));
        if (limit == 0 && !keysOnly && !countOnly) { Assert.True(parts.Count > 3, $"only {parts.Count} parts: the test proves too little"); }
    }

    // Goal: all parts are of one revision, and a compaction of it in between ends the stream with etcd's word.
    [Fact]
    public async Task All_parts_are_of_one_revision()
    {
        await using EtcdDoor door = await EtcdDoor.Open();
        for (int i = 0; i < 100; i++) { await door.Put($"k{i:D3}", new string('a', 200_000)); }
        var request = new RangeRequest { Key = Zero, RangeEnd = Zero };
        await using EtcdGrpcStream<RangeRequest, RangeStreamResponse> stream = door.OpenStream(EtcdMethods.RangeStream);
        await stream.WriteAsync(request);
        Assert.Equal("k000", (await stream.ReadAsync())!.RangeResponse.Kvs[0].Key.ToStringUtf8());
        await door.Put("k098", "later");
        long revision = (await door.Put("k099x", "later")).Header.Revision;

        var kvs = new List<KeyValue>();
        RangeResponse? last = null;
        while (await stream.ReadAsync() is { } part)
        {
            last = part.RangeResponse;
            kvs.AddRange(last.Kvs);
        }

        Assert.Equal("k099", kvs[^1].Key.ToStringUtf8());
        Assert.Equal(200_000, kvs[^2].Value.Length);
        Assert.Equal(revision - 2, last!.Header.Revision);
        Assert.Equal(100, last.Count);

        await using EtcdGrpcStream<RangeRequest, RangeStreamResponse> late = door.OpenStream(EtcdMethods.RangeStream);
        await late.WriteAsync(request);
        Assert.NotNull(await late.ReadAsync());
        await door.Put("k000", "again");
        await door.Call(EtcdMethods.Compact, new CompactionRequest { Revision = revision + 1 });
        EtcdRpcException error = await Assert.ThrowsAsync<EtcdRpcException>(async () =>
        {
            while (await late.ReadAsync() is not null)
            {
            }
        });
        Assert.Equal("etcdserver: mvcc: required revision has been compacted", error.Message);
    }

    [Fact]
    public async Task What_a_stream_cannot_do_is_unimplemented()
    {
        await using EtcdDoor door = await EtcdDoor.Open();
        RangeRequest sorted = EtcdDoor.NewRange("a");
        sorted.SortTarget = RangeRequest.Types.SortTarget.Mod;
        RangeRequest filtered = EtcdDoor.NewRange("a");
        filtered.MinModRevision = 2;
        Assert.Equal(GrpcStatus.Unimplemented, (await Assert.ThrowsAsync<EtcdRpcException>(() => ReadAll(door, sorted))).Status);
        Assert.Equal(GrpcStatus.Unimplemented, (await Assert.ThrowsAsync<EtcdRpcException>(() => ReadAll(door, filtered))).Status);
        var empty = new RangeRequest();
        Assert.Equal("etcdserver: key is not provided", (await Assert.ThrowsAsync<EtcdRpcException>(() => ReadAll(door, empty))).Message);
    }

    // Goal: a stream that wants a leader ends after three election timeouts without one; one that does not lives on.
    [Fact]
    public async Task A_stream_that_wants_a_leader_ends_without_one()
    {
        await using EtcdDoor door = await EtcdDoor.Open(options => options with { ElectionTimeout = TimeSpan.FromMilliseconds(50) });
        await using EtcdGrpcStream<RangeRequest, RangeStreamResponse> wants = door.OpenStream(EtcdMethods.RangeStream, requireLeader: true);
        await using EtcdGrpcStream<RangeRequest, RangeStreamResponse> other = door.OpenStream(EtcdMethods.RangeStream);
        Task<RangeStreamResponse?> waiting = wants.ReadAsync();
        await door.Until(() => door.OpenStreams == 2);
        door.Node.HasLeader = false;
        EtcdRpcException error = await Assert.ThrowsAsync<EtcdRpcException>(() => waiting);
        Assert.Equal("Unavailable: etcdserver: no leader", $"{error.Status}: {error.Message}");

        door.Node.HasLeader = true;
        await other.WriteAsync(EtcdDoor.NewRange("a"));
        Assert.NotNull(await other.ReadAsync());
    }

    // Goal: a stop does not wait for streams that would never end by themselves.
    [Fact]
    public async Task Stopping_ends_streams()
    {
        await using EtcdDoor door = await EtcdDoor.Open(options => options with { DrainTimeout = TimeSpan.FromMinutes(10) });
        await using EtcdGrpcStream<RangeRequest, RangeStreamResponse> stream = door.OpenStream(EtcdMethods.RangeStream);
        Task<RangeStreamResponse?> waiting = stream.ReadAsync();
        await door.Until(() => door.OpenStreams == 1);
        await door.Stop();
        Assert.Equal(GrpcStatus.Unavailable, (await Assert.ThrowsAsync<EtcdRpcException>(() => waiting)).Status);
    }

    private static async Task<List<RangeResponse>> ReadAll(EtcdDoor door, RangeRequest request)
    {
        await using EtcdGrpcStream<RangeRequest, RangeStreamResponse> stream = door.OpenStream(EtcdMethods.RangeStream);
        await stream.WriteAsync(request);
        var parts = new List<RangeResponse>();
        while (await stream.ReadAsync() is { } part) { parts.Add(part.RangeResponse); }
        return parts;
    }
}
