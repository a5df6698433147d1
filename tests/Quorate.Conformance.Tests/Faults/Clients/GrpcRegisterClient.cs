using System.Globalization;
using Google.Protobuf;
using Quorate.FrontDoors.Etcd.Client;
using Quorate.FrontDoors.Etcd.Protos;

namespace Quorate.Conformance.Tests.Faults;

/// <summary>Registers over our own gRPC client.</summary>
internal sealed class GrpcRegisterClient(IEnumerable<Uri> endpoints, TimeSpan patience) : IRegisterClient
{
    private readonly EtcdGrpcClient _client = new(endpoints, patience);

    public async Task<long?> ReadAsync(string key)
    {
        RangeResponse range = await CallAsync(EtcdMethods.Range, new RangeRequest { Key = Bytes(key) });
        return range.Kvs.Count == 0 ? null : long.Parse(range.Kvs[0].Value.ToStringUtf8(), CultureInfo.InvariantCulture);
    }

    public Task WriteAsync(string key, long value) => CallAsync(EtcdMethods.Put, Put(key, value));

    public async Task<bool> CompareAndSetAsync(string key, long? expected, long value)
    {
        Compare compare = expected is { } number
            ? new Compare { Key = Bytes(key), Target = Compare.Types.CompareTarget.Value, Value = Bytes(number) }
            : new Compare { Key = Bytes(key), Target = Compare.Types.CompareTarget.Version, Version = 0 };
        var request = new TxnRequest { Compare = { compare }, Success = { new RequestOp { RequestPut = Put(key, value) } } };
        return (await CallAsync(EtcdMethods.Txn, request)).Succeeded;
    }

    public void Dispose() => _client.Dispose();

    private static PutRequest Put(string key, long value) => new() { Key = Bytes(key), Value = Bytes(value) };

    private static ByteString Bytes(string text) => ByteString.CopyFromUtf8(text);

    private static ByteString Bytes(long value) => Bytes(value.ToString(CultureInfo.InvariantCulture));

    private async Task<TResponse> CallAsync<TRequest, TResponse>(EtcdMethod<TRequest, TResponse> method, TRequest request)
        where TRequest : IMessage<TRequest>
        where TResponse : IMessage<TResponse>
    {
        try
        {
            return await _client.CallAsync(method, request, patience);
        }
        catch (EtcdRpcException e)
        {
            throw new CallFailedException(e.Message, Refusals.MayHaveHappened(e), e);
        }
    }
}
