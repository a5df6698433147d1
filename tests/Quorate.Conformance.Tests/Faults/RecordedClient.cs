using System.Text.Json.Nodes;
using Google.Protobuf;
using Quorate.Simulation.Checkers;

namespace Quorate.Conformance.Tests.Faults;

/// <summary>A client that writes down in the history of the store what it asks and hears. For one caller at a time.</summary>
internal sealed class RecordedClient(IStoreClient client, Journal journal) : IDisposable
{
    /// <summary>Its number in the histories.</summary>
    public int Process { get; } = journal.NewProcess();

    /// <summary>True once an outcome was unknown: then it must not be used any more, and a new one takes its place.</summary>
    public bool IsUsedUp { get; private set; }

    /// <summary>Calls, and says how that ended; the answer is null unless it ended well.</summary>
    public async Task<(HistoryEventType Type, TResponse? Answer)> CallAsync<TResponse>(IMessage request)
        where TResponse : class, IMessage
    {
        string function = StoreLines.FunctionOf(request);
        Write(HistoryEventType.Invoke, function, StoreLines.Of(request), ("client", client.Name));
        try
        {
            var answer = (TResponse)await client.CallAsync(request);
            Write(HistoryEventType.Ok, function, StoreLines.OfAnswer(answer));
            return (HistoryEventType.Ok, answer);
        }
        catch (CallFailedException e)
        {
            // What only reads has no effect, so it is never uncertain; but the connection may be broken, so it is used up too.
            bool isRead = function == "range";
            IsUsedUp = isRead || e.MayHaveHappened;
            HistoryEventType type = e.MayHaveHappened && !isRead ? HistoryEventType.Info : HistoryEventType.Fail;
            Write(type, function, [], ("error", e.Message));
            return (type, null);
        }
    }

    public void Dispose() => client.Dispose();

    private void Write(HistoryEventType type, string function, JsonObject members, params ReadOnlySpan<(string Name, JsonNode? Value)> more)
    {
        var all = new List<(string, JsonNode?)>(more.ToArray());
        string? key = members.TryGetPropertyValue("key", out JsonNode? text) ? text!.GetValue<string>() : null;
        foreach ((string name, JsonNode? value) in members)
        {
            if (name != "key") { all.Add((name, value)); }
        }

        journal.Store.Write(Process, type, function, key, more: [.. all]);
    }
}
