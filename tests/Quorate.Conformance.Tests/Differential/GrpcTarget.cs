using System.Buffers.Binary;
using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Text.Json.Nodes;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Quorate.FrontDoors.Etcd;

namespace Quorate.Conformance.Tests.Differential;

/// <summary>A server through gRPC: each request once, no client's retries between.</summary>
internal sealed class GrpcTarget(string endpoint) : Target
{
    private readonly HttpMessageInvoker _http = new(new SocketsHttpHandler { UseProxy = false, ActivityHeadersPropagator = null });
    private readonly Dictionary<string, Stream> _streams = [];

    public override bool CanRun(IReadOnlyList<Step> steps) => steps.All(static step => step.Kind != StepKind.Http);

    public override async Task<Answer> RunAsync(Step step, RequestText text, long baseRevision)
    {
        var answer = new Answer(step.Name, baseRevision);
        if (step.Kind == StepKind.RawCall)
        {
            (Status status, _) = await CallAsync(step.Name, Frame(Convert.FromHexString(step.Body)), step, text);
            return status.AddTo(answer);
        }

        MethodDescriptor method = RpcTable.Method(step.Name);
        if (method.IsServerStreaming) { return await RunStreamAsync(step, method, text, answer); }
        byte[] request = Message(method.InputType, text.Read(step.Body, method.InputType)).ToByteArray();
        (Status end, byte[] body) = await CallAsync(RpcTable.Path(step.Name), Frame(request), step, text);
        if (end.Code != 0) { return end.AddTo(answer); }
        JsonObject json = Json(method.OutputType.Parser.ParseFrom(body.AsSpan(5)));
        text.Remember(json);
        return answer.Add("", json);
    }

    public override async ValueTask DisposeAsync()
    {
        foreach (Stream stream in _streams.Values) { await stream.DisposeAsync(); }
        _http.Dispose();
    }

    private async Task<Answer> RunStreamAsync(Step step, MethodDescriptor method, RequestText text, Answer answer)
    {
        if (!_streams.TryGetValue(step.Name, out Stream? stream))
        {
            stream = new Stream(_http, new Uri($"http://{endpoint}{RpcTable.Path(step.Name)}"), step.Headers.Select(h => (h.Name, text.Header(h.Value))));
            _streams.Add(step.Name, stream);
        }

        if (step.Kind == StepKind.Call)
        {
            await stream.WriteAsync(Frame(Message(method.InputType, text.Read(step.Body, method.InputType)).ToByteArray()));
            if (!method.IsClientStreaming) { stream.Complete(); }
            return answer;
        }

        if (step.Kind == StepKind.End) { stream.Complete(); }
        int wanted = step.Kind == StepKind.End ? int.MaxValue : int.Parse(step.Body, CultureInfo.InvariantCulture);
        var responses = new Responses();
        try
        {
            while (responses.Count < wanted)
            {
                if (await stream.ReadAsync().WaitAsync(Patience) is not { } bytes)
                {
                    Status.Of(stream.Response!).AddTo(answer);
                    break;
                }

                responses.Add(Json(method.OutputType.Parser.ParseFrom(bytes)));
            }
        }
        catch (TimeoutException)
        {
            answer.Add("end", "nothing comes");
        }
        catch (Exception e) when (e is HttpRequestException or IOException)
        {
            answer.Add("end", "broken off");
        }

        return responses.AddTo(answer);
    }

    private async Task<(Status Status, byte[] Body)> CallAsync(string path, byte[] frame, Step step, RequestText text)
    {
        using var time = new CancellationTokenSource(Patience);
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri($"http://{endpoint}{path}"))
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = new ByteArrayContent(frame),
        };
        request.Headers.TryAddWithoutValidation("te", "trailers");
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/grpc");
        foreach ((string name, string value) in step.Headers) { request.Headers.TryAddWithoutValidation(name, text.Header(value)); }
        try
        {
            using HttpResponseMessage response = await _http.SendAsync(request, time.Token);
            byte[] body = await response.Content.ReadAsByteArrayAsync(time.Token);
            return (Status.Of(response), body);
        }
        catch (OperationCanceledException)
        {
            return (new Status(-1, "no answer"), []);
        }
        catch (HttpRequestException e)
        {
            return (new Status(-1, "broken: " + e.HttpRequestError), []);
        }
    }

    private static byte[] Frame(byte[] message)
    {
        byte[] frame = new byte[5 + message.Length];
        BinaryPrimitives.WriteUInt32BigEndian(frame.AsSpan(1), (uint)message.Length);
        message.CopyTo(frame, 5);
        return frame;
    }

    /// <summary>How a call ended.</summary>
    private sealed record Status(int Code, string Message)
    {
        public static Status Of(HttpResponseMessage response)
        {
            HttpHeaders trailers = response.Headers.Contains("grpc-status") ? response.Headers : response.TrailingHeaders;
            if (!trailers.TryGetValues("grpc-status", out IEnumerable<string>? code)) { return new(-1, $"HTTP {(int)response.StatusCode}"); }
            string message = trailers.TryGetValues("grpc-message", out IEnumerable<string>? text) ? Uri.UnescapeDataString(text.First()) : "";
            return new(int.Parse(code.First(), CultureInfo.InvariantCulture), message);
        }

        public Answer AddTo(Answer answer) => answer.Add("code", ((GrpcStatus)Code).ToString()).Add("message", Message);
    }

    /// <summary>A streaming call.</summary>
    private sealed class Stream : IAsyncDisposable
    {
        private readonly CancellationTokenSource _stop = new();
        private readonly OpenContent _content = new();
        private readonly HttpRequestMessage _request;
        private readonly Task<HttpResponseMessage> _sent;
        private System.IO.Stream? _body;

        public Stream(HttpMessageInvoker http, Uri address, IEnumerable<(string Name, string Value)> headers)
        {
            _request = new HttpRequestMessage(HttpMethod.Post, address)
            {
                Version = HttpVersion.Version20,
                VersionPolicy = HttpVersionPolicy.RequestVersionExact,
                Content = _content,
            };
            _request.Headers.TryAddWithoutValidation("te", "trailers");
            foreach ((string name, string value) in headers) { _request.Headers.TryAddWithoutValidation(name, value); }
            _sent = http.SendAsync(_request, _stop.Token);
        }

        public HttpResponseMessage? Response { get; private set; }

        /// <summary>Sends one; if the server has ended the call already, what is read tells so.</summary>
        public async Task WriteAsync(byte[] frame)
        {
            try
            {
                await Task.WhenAny(_content.WriteAsync(frame), _sent).Unwrap().WaitAsync(Patience);
            }
            catch (Exception e) when (e is OperationCanceledException or HttpRequestException or IOException)
            {
                // Ended.
            }
        }

        public void Complete() => _content.Complete();

        /// <summary>The next message; null at the end.</summary>
        public async Task<byte[]?> ReadAsync()
        {
            Response ??= await _sent;
            _body ??= await Response.Content.ReadAsStreamAsync();
            byte[] header = new byte[5];
            if (await _body.ReadAtLeastAsync(header, 5, throwOnEndOfStream: false) < 5) { return null; }
            byte[] message = new byte[BinaryPrimitives.ReadInt32BigEndian(header.AsSpan(1))];
            await _body.ReadExactlyAsync(message);
            return message;
        }

        public async ValueTask DisposeAsync()
        {
            await _stop.CancelAsync();
            _content.Complete();
            await ((Task)_sent).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            Response?.Dispose();
            _request.Dispose();
            _stop.Dispose();
        }
    }

    /// <summary>A body that stays open.</summary>
    private sealed class OpenContent : HttpContent
    {
        private readonly TaskCompletionSource<System.IO.Stream> _opened = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly TaskCompletionSource _completed = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public OpenContent() => Headers.ContentType = new MediaTypeHeaderValue("application/grpc");

        public async Task WriteAsync(byte[] bytes)
        {
            System.IO.Stream stream = await _opened.Task;
            await stream.WriteAsync(bytes);
            await stream.FlushAsync();
        }

        public void Complete() => _completed.TrySetResult();

        protected override async Task SerializeToStreamAsync(System.IO.Stream stream, TransportContext? context)
        {
            await stream.FlushAsync();
            _opened.TrySetResult(stream);
            await _completed.Task;
        }

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }
    }
}
