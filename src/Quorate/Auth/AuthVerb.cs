using System.CommandLine;
using Google.Protobuf;
using Quorate.Cli;
using Quorate.FrontDoors.Etcd.Client;
using Quorate.Kv;

namespace Quorate.Auth;

/// <summary>Verbs of one question each to etcd's Auth service.</summary>
internal static class AuthVerb
{
    /// <summary>Creates a verb with the options that all have.</summary>
    /// <param name="verb">Its name, its help and its own arguments.</param>
    /// <param name="method">What it calls.</param>
    /// <param name="ask">Makes the request of the command line.</param>
    /// <param name="tell">Prints the answer for people.</param>
    public static Verb With<TRequest, TResponse>(
        this Verb verb, EtcdMethod<TRequest, TResponse> method, Func<ParseResult, TRequest> ask, Action<TextWriter, ParseResult, TResponse> tell)
        where TRequest : IMessage<TRequest>
        where TResponse : IMessage<TResponse>
    {
        var (endpoints, timeout, format) = (Common.Endpoints(), Common.Timeout(), Common.Format());
        verb.Add(endpoints);
        verb.Add(timeout);
        verb.Add(format);
        verb.SetAction(async (parsed, cancellationToken) =>
        {
            TRequest request = ask(parsed);
            using EtcdGrpcClient client = Common.Client(parsed, endpoints);
            bool isWrite = method.IsReadOnly is null;
            TResponse response = await Rpc.CallAsync(client, method, request, Common.TimeoutOf(parsed, timeout), isWrite, cancellationToken);
            TextWriter output = parsed.InvocationConfiguration.Output;
            if (Common.IsJson(parsed, format)) { KvOutput.Json(output, response); }
            else { tell(output, parsed, response); }
            return (int)ExitCode.Ok;
        });
        return verb;
    }

    /// <summary>An argument that is a name.</summary>
    public static Argument<string> Name(string name, string description) => new(name) { Description = description };
}
