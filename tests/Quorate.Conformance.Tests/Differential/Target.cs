using System.Text.Json.Nodes;
using Google.Protobuf;
using Google.Protobuf.Reflection;

namespace Quorate.Conformance.Tests.Differential;

/// <summary>One server, through one door. Runs the steps of a case and gives an answer for each.</summary>
internal abstract class Target : IAsyncDisposable
{
    /// <summary>For an answer that must come, or a stream that must end.</summary>
    protected static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    /// <summary>For one case.</summary>
    public static Target Of(Door door, string endpoint) => door == Door.Grpc ? new GrpcTarget(endpoint) : new GatewayTarget(endpoint);

    /// <summary>True if this door can do what the case does.</summary>
    public abstract bool CanRun(IReadOnlyList<Step> steps);

    /// <summary>Runs a step.</summary>
    public abstract Task<Answer> RunAsync(Step step, RequestText text, long baseRevision);

    public abstract ValueTask DisposeAsync();

    /// <summary>A case writes JSON, gRPC takes bytes.</summary>
    protected static IMessage Message(MessageDescriptor type, JsonObject request) => JsonParser.Default.Parse(request.ToJsonString(), type);

    protected static JsonObject Json(IMessage message) => (JsonObject)JsonNode.Parse(Formatter.Format(message))!;

    private static readonly JsonFormatter Formatter = new(JsonFormatter.Settings.Default.WithPreserveProtoFieldNames(true));
}
