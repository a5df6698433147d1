using System.Diagnostics;
using Google.Protobuf.Reflection;
using Quorate.FrontDoors.Etcd;

namespace Quorate.FrontDoors.Metrics;

/// <summary>Counts the calls of one RPC over gRPC. Any thread; a call costs two additions, and four more if bytes come and go.</summary>
internal sealed class RpcMeter
{
    /// <summary>Bounds of the times measured, in seconds: those of Prometheus' own client libraries.</summary>
    public static readonly double[] Bounds = [.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10];

    private readonly long[] _handled = new long[17]; // Statuses of gRPC are 0 to 16.
    private readonly long[]? _times;
    private long _started;
    private long _received;
    private long _sent;
    private long _elapsed;

    /// <param name="path"><c>/package.Service/Method</c>.</param>
    /// <param name="request">Its request's type, in whose file the service is declared.</param>
    /// <param name="measures">Whether to measure how long calls take.</param>
    public RpcMeter(string path, MessageDescriptor request, bool measures)
    {
        int slash = path.LastIndexOf('/');
        (Service, Method) = (path[1..slash], path[(slash + 1)..]);
        MethodDescriptor? declared = request.File.Services.FirstOrDefault(s => s.FullName == Service)?.FindMethodByName(Method);
        Type = declared switch
        {
            { IsClientStreaming: true } => "bidi_stream",
            { IsServerStreaming: true } => "server_stream",
            _ => "unary",
        };
        _times = measures ? new long[Bounds.Length + 1] : null;
    }

    /// <summary>The service, with its package.</summary>
    public string Service { get; }

    /// <summary>The method.</summary>
    public string Method { get; }

    /// <summary>unary, server_stream or bidi_stream.</summary>
    public string Type { get; }

    /// <summary>Calls that began.</summary>
    public long StartedCount => Volatile.Read(ref _started);

    /// <summary>Calls under way.</summary>
    public long Open => StartedCount - _handled.Sum();

    /// <summary>Messages received.</summary>
    public long Received => Volatile.Read(ref _received);

    /// <summary>Messages sent.</summary>
    public long Sent => Volatile.Read(ref _sent);

    /// <summary>Times by bucket, and their sum in seconds; null if they are not measured.</summary>
    public (long[] Counts, double Sum)? Times => _times is null ? null : ([.. _times], TimeSpan.FromTicks(Volatile.Read(ref _elapsed)).TotalSeconds);

    /// <summary>Calls that ended so.</summary>
    public long Handled(GrpcStatus status) => Volatile.Read(ref _handled[(int)status]);

    /// <summary>A call begins.</summary>
    /// <returns>To be given back to <see cref="End"/>.</returns>
    public long Start()
    {
        Interlocked.Increment(ref _started);
        return _times is null ? 0 : Stopwatch.GetTimestamp();
    }

    /// <summary>A call has ended.</summary>
    public void End(GrpcStatus status, long start)
    {
        Interlocked.Increment(ref _handled[(int)status]);
        if (_times is null) { return; }
        TimeSpan elapsed = Stopwatch.GetElapsedTime(start);
        int bucket = 0;
        while (bucket < Bounds.Length && elapsed.TotalSeconds > Bounds[bucket]) { bucket++; }
        Interlocked.Increment(ref _times[bucket]);
        Interlocked.Add(ref _elapsed, elapsed.Ticks);
    }

    /// <summary>A message came.</summary>
    public void CountReceived() => Interlocked.Increment(ref _received);

    /// <summary>A message went.</summary>
    public void CountSent() => Interlocked.Increment(ref _sent);
}
