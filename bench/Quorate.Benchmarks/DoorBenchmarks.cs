using System.IO.Pipelines;
using BenchmarkDotNet.Attributes;
using Google.Protobuf;
using Quorate.Bench;
using Quorate.FrontDoors.Etcd;
using Quorate.FrontDoors.Etcd.Protos;

namespace Quorate.Benchmarks;

/// <summary>Messages of the gRPC door, and the little HTTP/2 of the load generator.</summary>
public class DoorBenchmarks
{
    private readonly PipeWriter _body = PipeWriter.Create(Stream.Null);
    private byte[] _put = [];
    private RangeResponse _answer = new();
    private byte[] _trailers = [];

    /// <summary>The messages.</summary>
    [GlobalSetup]
    public void Make()
    {
        ByteString key = ByteString.CopyFrom(TestStore.Key(1));
        ByteString value = ByteString.CopyFrom(new byte[256]);
        _put = new PutRequest { Key = key, Value = value }.ToByteArray();
        _answer = new RangeResponse { Count = 1, Header = new ResponseHeader { ClusterId = ulong.MaxValue, MemberId = ulong.MaxValue, Revision = 1000, RaftTerm = 2 } };
        _answer.Kvs.Add(new KeyValue { Key = key, Value = value, CreateRevision = 900, ModRevision = 900, Version = 1 });

        // grpc-status: 0, as a literal that is not to be remembered.
        _trailers = [0x00, 11, .. "grpc-status"u8, 1, (byte)'0'];
    }

    /// <summary>Reads a put.</summary>
    [Benchmark]
    public PutRequest ParsePut() => PutRequest.Parser.ParseFrom(_put);

    /// <summary>Writes the answer to a get.</summary>
    [Benchmark]
    public void WriteRangeAnswer()
    {
        GrpcMessages.Write(_body, _answer, _answer.CalculateSize());
        _body.FlushAsync().AsTask().GetAwaiter().GetResult();
    }

    /// <summary>The header blocks of a connection's first request and of a later one.</summary>
    [Benchmark]
    public int RequestHeaders()
    {
        var blocks = new HeaderBlocks("127.0.0.1:2379");
        return blocks.For("/etcdserverpb.KV/Put").Length + blocks.For("/etcdserverpb.KV/Put").Length;
    }

    /// <summary>The status in an answer's trailers.</summary>
    [Benchmark]
    public int ReadStatus() => Http2Frames.GrpcStatus(_trailers);
}
