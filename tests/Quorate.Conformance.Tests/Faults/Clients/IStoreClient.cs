using Google.Protobuf;

namespace Quorate.Conformance.Tests.Faults;

/// <summary>A client of the etcd API, whoever wrote it. For one caller at a time.</summary>
internal interface IStoreClient : IDisposable
{
    /// <summary>What it is, for the history: <c>quorate</c>, <c>etcdctl</c>.</summary>
    string Name { get; }

    /// <summary>Sends a PutRequest, RangeRequest, DeleteRangeRequest, TxnRequest or CompactionRequest and gives the answer.</summary>
    /// <exception cref="CallFailedException">There was none, or a refusal; says whether it may have happened.</exception>
    Task<IMessage> CallAsync(IMessage request);
}

/// <summary>A call brought no answer, or a refusal.</summary>
internal sealed class CallFailedException(string message, bool mayHaveHappened, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>False if it had no effect and never will.</summary>
    public bool MayHaveHappened => mayHaveHappened;
}
