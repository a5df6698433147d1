using System.Diagnostics;
using System.Globalization;
using Google.Protobuf;
using Quorate.FrontDoors.Etcd.Protos;

namespace Quorate.Conformance.Tests.Faults;

/// <summary>python3-etcd3 with its own stubs over gRPC's C core: a process that lives as long as this.</summary>
internal sealed class PythonStoreClient : IStoreClient
{
    private const int TimeoutSeconds = 2;
    private const string Python = "/usr/bin/python3"; // The one that Debian's packages are for.

    private readonly Process _worker;

    public PythonStoreClient(Uri endpoint)
    {
        var start = new ProcessStartInfo(Python) { RedirectStandardInput = true, RedirectStandardOutput = true };
        string[] arguments =
        [
            Path.Combine(AppContext.BaseDirectory, "python_worker.py"), endpoint.Host,
            endpoint.Port.ToString(CultureInfo.InvariantCulture), TimeoutSeconds.ToString(CultureInfo.InvariantCulture),
        ];
        foreach (string argument in arguments) { start.ArgumentList.Add(argument); }
        _worker = Process.Start(start)!;
    }

    /// <summary>Why there is no such client here; null if there is.</summary>
    public static string? Unavailable { get; } =
        File.Exists(Python) && Tool.Run(Python, ["-c", "import etcd3"]).ExitCode == 0 ? null : "python3-etcd3 is not installed; .ci/run installs it";

    public string Name => "python-etcd3";

    public async Task<IMessage> CallAsync(IMessage request)
    {
        await _worker.StandardInput.WriteLineAsync($"{request.GetType().Name} {request.ToByteString().ToBase64()}");
        await _worker.StandardInput.FlushAsync();
        string line = await _worker.StandardOutput.ReadLineAsync().WaitAsync(TimeSpan.FromSeconds(30)) ??
            throw new InvalidOperationException("the worker of python ended");
        if (!line.StartsWith("ok", StringComparison.Ordinal)) { throw new CallFailedException(line, Refusals.MayHaveHappenedOfPython(line)); }
        var body = ByteString.FromBase64(line[2..].Trim());
        return request switch
        {
            PutRequest => PutResponse.Parser.ParseFrom(body),
            RangeRequest => RangeResponse.Parser.ParseFrom(body),
            DeleteRangeRequest => DeleteRangeResponse.Parser.ParseFrom(body),
            _ => TxnResponse.Parser.ParseFrom(body),
        };
    }

    public void Dispose()
    {
        _worker.Kill();
        _worker.Dispose();
    }
}
