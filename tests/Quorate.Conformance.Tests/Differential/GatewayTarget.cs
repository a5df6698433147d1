using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Google.Protobuf.Reflection;

namespace Quorate.Conformance.Tests.Differential;

/// <summary>A server through the JSON gateway.</summary>
internal sealed class GatewayTarget(string endpoint) : Target
{
    private readonly HttpMessageInvoker _http = new(new SocketsHttpHandler { UseProxy = false, AllowAutoRedirect = false, ActivityHeadersPropagator = null });
    private readonly Dictionary<string, Exchange> _streams = [];

    /// <remarks>A stream's requests are its body, so none can follow once a response was read.</remarks>
    public override bool CanRun(IReadOnlyList<Step> steps)
    {
        var read = new HashSet<string>();
        foreach (Step step in steps)
        {
            if (step.Kind == StepKind.RawCall) { return false; }
            if (step.Kind is StepKind.Http or StepKind.Wait) { continue; }
            if (RpcTable.JsonPath(step.Name) is null) { return false; }
            if (step.Kind is StepKind.Read or StepKind.End) { read.Add(step.Name); }
            if (step.Kind == StepKind.Call && read.Contains(step.Name)) { return false; }
        }

        return true;
    }

    public override async Task<Answer> RunAsync(Step step, RequestText text, long baseRevision)
    {
        var answer = new Answer(step.Name, baseRevision);
        if (step.Kind == StepKind.Http)
        {
            string[] target = step.Name.Split(' ');
            return await CallAsync(target[0], target[1], Body(step.Body), step, text, answer);
        }

        MethodDescriptor method = RpcTable.Method(step.Name);
        string path = RpcTable.JsonPath(step.Name)!;
        if (!method.IsServerStreaming)
        {
            return await CallAsync("POST", path, text.Read(step.Body, method.InputType).ToJsonString(), step, text, answer);
        }

        if (!_streams.TryGetValue(step.Name, out Exchange? stream))
        {
            stream = new Exchange(step);
            _streams.Add(step.Name, stream);
        }

        if (step.Kind == StepKind.Call)
        {
            stream.Body.AppendLine(text.Read(step.Body, method.InputType).ToJsonString());
            return answer;
        }

        return await ReadAsync(stream, path, step, text, answer);
    }

    public override ValueTask DisposeAsync()
    {
        foreach (Exchange stream in _streams.Values) { stream.Dispose(); }
        _http.Dispose();
        return default;
    }

    // "<x*5000>" stands for 5,000 of that character.
    private static string Body(string body) => System.Text.RegularExpressions.Regex.Replace(
        body, @"<(.)\*(\d+)>", static m => new string(m.Groups[1].Value[0], int.Parse(m.Groups[2].Value, CultureInfo.InvariantCulture)));

    private async Task<Answer> ReadAsync(Exchange stream, string path, Step step, RequestText text, Answer answer)
    {
        using var time = new CancellationTokenSource(Patience);
        int wanted = step.Kind == StepKind.End ? int.MaxValue : int.Parse(step.Body, CultureInfo.InvariantCulture);
        var responses = new Responses();
        try
        {
            if (stream.Lines is null)
            {
                stream.Request = NewRequest("POST", path, stream.Body.ToString(), stream.First, text);
                stream.Response = await _http.SendAsync(stream.Request, time.Token);
                stream.Lines = new StreamReader(await stream.Response.Content.ReadAsStreamAsync(time.Token));
                AddHead(answer, stream.Response);
            }

            while (responses.Count < wanted)
            {
                if (await stream.Lines.ReadLineAsync(time.Token) is not { } line)
                {
                    answer.Add("end", "of the stream");
                    break;
                }

                JsonNode? json = JsonNode.Parse(line);
                responses.Add(json is JsonObject { Count: 1 } one && one["result"] is JsonObject result ? result : (JsonObject)json!);
            }
        }
        catch (OperationCanceledException)
        {
            answer.Add("end", "nothing comes");
        }
        catch (Exception e) when (e is HttpRequestException or IOException)
        {
            answer.Add("end", "broken off");
        }

        return responses.AddTo(answer);
    }

    private async Task<Answer> CallAsync(string method, string path, string body, Step step, RequestText text, Answer answer)
    {
        using var time = new CancellationTokenSource(Patience);
        try
        {
            using HttpRequestMessage request = NewRequest(method, path, body, step, text);
            using HttpResponseMessage response = await _http.SendAsync(request, time.Token);
            AddHead(answer, response);
            string content = await response.Content.ReadAsStringAsync(time.Token);
            JsonNode? json = TryParse(content);
            if (json is JsonObject fields)
            {
                if (response.IsSuccessStatusCode) { text.Remember(fields); }
                if (fields.Count > 0) { return answer.Add("", fields); }
            }

            return answer.Add("body", content.TrimEnd());
        }
        catch (OperationCanceledException)
        {
            return answer.Add("http", "none").Add("body", "no answer");
        }
        catch (HttpRequestException e)
        {
            return answer.Add("http", "none").Add("body", "broken: " + e.HttpRequestError);
        }
    }

    private static void AddHead(Answer answer, HttpResponseMessage response)
    {
        if ((int)response.StatusCode != 200) { answer.Add("http", ((int)response.StatusCode).ToString(CultureInfo.InvariantCulture)); }
        answer.Add("content-type", response.Content.Headers.ContentType?.ToString() ?? "none");
    }

    private HttpRequestMessage NewRequest(string method, string path, string body, Step step, RequestText text)
    {
        var request = new HttpRequestMessage(new HttpMethod(method), new Uri($"http://{endpoint}{path}"))
        {
            Content = new ByteArrayContent(Encoding.UTF8.GetBytes(body)),
        };
        request.Content.Headers.TryAddWithoutValidation("content-type", "application/json");
        foreach ((string name, string value) in step.Headers)
        {
            // gRPC's metadata has another name here.
            string header = name == "token" ? "authorization" : name == "hasleader" ? "grpc-metadata-hasleader" : name;
            if (header.StartsWith("content-", StringComparison.OrdinalIgnoreCase))
            {
                request.Content.Headers.Remove(header);
                request.Content.Headers.TryAddWithoutValidation(header, text.Header(value));
            }
            else { request.Headers.TryAddWithoutValidation(header, text.Header(value)); }
        }

        return request;
    }

    private static JsonNode? TryParse(string text)
    {
        try
        {
            return JsonNode.Parse(text);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>A streaming call: its whole body, then its answer line by line.</summary>
    private sealed class Exchange(Step first) : IDisposable
    {
        /// <summary>Has the headers.</summary>
        public Step First => first;

        public StringBuilder Body { get; } = new();

        public HttpRequestMessage? Request { get; set; }

        public HttpResponseMessage? Response { get; set; }

        public StreamReader? Lines { get; set; }

        public void Dispose()
        {
            Lines?.Dispose();
            Response?.Dispose();
            Request?.Dispose();
        }
    }
}
