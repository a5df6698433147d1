using Google.Protobuf;
using Quorate.FrontDoors.Etcd.Client;
using Quorate.FrontDoors.Etcd.Protos;

namespace Quorate.Conformance.Tests.Faults;

/// <summary>Our own gRPC client.</summary>
internal sealed class GrpcStoreClient(IEnumerable<Uri> endpoints, TimeSpan patience) : IStoreClient
{
    private readonly EtcdGrpcClient _client = new(endpoints, patience);

    public string Name => "quorate";

    public async Task<IMessage> CallAsync(IMessage request)
    {
        try
        {
            return request switch
            {
                PutRequest put => await _client.CallAsync(EtcdMethods.Put, put, patience),
                RangeRequest range => await _client.CallAsync(EtcdMethods.Range, range, patience),
                DeleteRangeRequest delete => await _client.CallAsync(EtcdMethods.DeleteRange, delete, patience),
                TxnRequest txn => await _client.CallAsync(EtcdMethods.Txn, txn, patience),
                CompactionRequest compaction => await _client.CallAsync(EtcdMethods.Compact, compaction, patience),
                _ => throw new ArgumentException($"{request.GetType().Name} is not known here", nameof(request)),
            };
        }
        catch (EtcdRpcException e)
        {
            throw new CallFailedException(e.Message, Refusals.MayHaveHappened(e), e);
        }
    }

    public void Dispose() => _client.Dispose();
}
