using Google.Protobuf;

namespace Quorate.FrontDoors.Etcd;

/// <summary>An answer too large to be in memory at once: messages of one type that are the answer when merged in order.</summary>
/// <param name="Size">Bytes of all messages encoded; a gRPC message tells its length first.</param>
/// <param name="Messages">
/// Read once. Fails with <see cref="AnswerCutException"/> if the rest cannot be read any more: then the caller, who has a part of it, must not
/// take it for the whole.
/// </param>
internal sealed record EtcdParts(long Size, IAsyncEnumerable<IMessage> Messages);

/// <summary>A part of an answer was sent and the rest is gone; the connection must break.</summary>
internal sealed class AnswerCutException(string message) : Exception(message);
