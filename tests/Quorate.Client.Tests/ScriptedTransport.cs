using System.Threading.Channels;
using Google.Protobuf;

namespace Quorate.Client.Tests;

/// <summary>What the client asked for.</summary>
internal sealed record Asked(Uri Endpoint, string Path, IMessage Request, CallHeaders Headers);

/// <summary>Servers that a test plays. All that was asked is kept.</summary>
internal sealed class ScriptedTransport : ITransport
{
    private readonly Lock _gate = new();
    private readonly List<Asked> _asked = [];

    /// <summary>Answers a call: a message, or an exception to throw.</summary>
    public Func<Asked, int, Task<object>> OnCall { get; set; } = static (_, _) => throw new InvalidOperationException("no call was expected");

    /// <summary>Plays a stream: writes what it answers, and ends with an exception or without.</summary>
    public Func<Asked, int, ChannelWriter<IMessage>, Task> OnOpen { get; set; } = static (_, _, _) => throw new InvalidOperationException("no stream was expected");

    public IReadOnlyList<Asked> All
    {
        get { lock (_gate) { return [.. _asked]; } }
    }

    /// <summary>A client of two endpoints.</summary>
    public QuorateClient Client(Action<QuorateClientOptions>? configure = null)
    {
        var options = new QuorateClientOptions { CallTimeout = TimeSpan.FromSeconds(20) };
        options.Endpoints.Add(new Uri("http://a:1"));
        options.Endpoints.Add(new Uri("http://b:1"));
        configure?.Invoke(options);
        return new QuorateClient(options, this);
    }

    /// <summary>Answers calls one after the other; the last answer stays.</summary>
    public ScriptedTransport Answers(params object[] answers)
    {
        OnCall = (_, number) => Task.FromResult(answers[Math.Min(number, answers.Length - 1)]);
        return this;
    }

    public async Task<TResponse> CallAsync<TRequest, TResponse>(
        Uri endpoint, Rpc<TRequest, TResponse> rpc, TRequest request, CallHeaders headers, CancellationToken cancellationToken)
        where TRequest : IMessage<TRequest>
        where TResponse : class, IMessage<TResponse>
    {
        (Asked asked, int number) = Note(endpoint, rpc.Path, request, headers);
        try
        {
            return await OnCall(asked, number).WaitAsync(cancellationToken) switch
            {
                Exception failure => throw failure,
                object answer => (TResponse)answer,
            };
        }
        catch (OperationCanceledException e) when (cancellationToken.IsCancellationRequested)
        {
            throw new AttemptCanceledException(wasSent: true, e);
        }
    }

    public IResponses<TResponse> Open<TRequest, TResponse>(
        Uri endpoint, Rpc<TRequest, TResponse> rpc, TRequest first, CallHeaders headers, CancellationToken cancellationToken)
        where TRequest : IMessage<TRequest>
        where TResponse : class, IMessage<TResponse>
    {
        (Asked asked, int number) = Note(endpoint, rpc.Path, first, headers);
        Channel<IMessage> channel = Channel.CreateUnbounded<IMessage>();
        _ = PlayAsync();
        return new Responses<TResponse>(channel.Reader, cancellationToken);

        async Task PlayAsync()
        {
            try
            {
                await OnOpen(asked, number, channel.Writer);
                channel.Writer.TryComplete();
            }
            catch (Exception e)
            {
                channel.Writer.TryComplete(e);
            }
        }
    }

    public void Dispose()
    {
    }

    private (Asked Asked, int Number) Note(Uri endpoint, string path, IMessage request, CallHeaders headers)
    {
        lock (_gate)
        {
            var asked = new Asked(endpoint, path, request, headers);
            _asked.Add(asked);
            return (asked, _asked.Count - 1);
        }
    }

    private sealed class Responses<TResponse>(ChannelReader<IMessage> channel, CancellationToken cancellationToken) : IResponses<TResponse>
        where TResponse : class
    {
        public async ValueTask<TResponse?> ReadAsync()
        {
            while (await channel.WaitToReadAsync(cancellationToken))
            {
                if (channel.TryRead(out IMessage? message)) { return (TResponse)(object)message; }
            }

            return null;
        }

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
