namespace Quorate.Client;

/// <summary>How a client reaches its cluster. Read once, when the client is made.</summary>
public sealed class QuorateClientOptions
{
    // etcd's default (--grpc-keepalive-min-time 5 s): it ends connections that ping more often.
    private static readonly TimeSpan LeastPingDelay = TimeSpan.FromSeconds(5);

    /// <summary>The members' client URLs, <c>http://host:2379</c> or <c>https://</c>. Calls take turns; one that failed is left out for a while.</summary>
    public IList<Uri> Endpoints { get; } = [];

    /// <summary>Certificates, for https.</summary>
    public TlsOptions Tls { get; } = new();

    /// <summary>User name; null: nobody is logged in.</summary>
    public string? User { get; set; }

    /// <summary>The user's password.</summary>
    public string? Password { get; set; }

    /// <summary>Time for a call with all its attempts. Default: 10 s, a little more than a server waits for its cluster (7 s).</summary>
    public TimeSpan CallTimeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>Time for one attempt of what may be repeated; then another endpoint is asked. Default: 3 s, longer than an election takes.</summary>
    public TimeSpan AttemptTimeout { get; set; } = TimeSpan.FromSeconds(3);

    /// <summary>Time to connect. Default: 2 s, as etcdctl's.</summary>
    public TimeSpan ConnectTimeout { get; set; } = TimeSpan.FromSeconds(2);

    /// <summary>Silence on a connection in use before it is pinged. Default: 10 s; the least is 5 s, else etcd hangs up.</summary>
    public TimeSpan KeepAlivePingDelay { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>Time for the answer to a ping; then the connection is given up. Default: 5 s.</summary>
    public TimeSpan KeepAlivePingTimeout { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>How old a token may become before a new one is fetched. Default: 4 minutes; etcd's simple tokens live for 5 without use.</summary>
    public TimeSpan TokenAge { get; set; } = TimeSpan.FromMinutes(4);

    /// <summary>The largest answer taken, in bytes. Default: 64 MiB.</summary>
    public int MaxAnswerBytes { get; set; } = 64 * 1024 * 1024;

    /// <summary>Time and timers; tests bring their own.</summary>
    public TimeProvider Time { get; set; } = TimeProvider.System;

    /// <summary>What is wrong with these options, all of it. Empty if nothing is.</summary>
    public IEnumerable<string> Problems()
    {
        if (Endpoints.Count == 0) { yield return "Endpoints is empty; name at least one member, e.g. http://127.0.0.1:2379."; }
        foreach (Uri endpoint in Endpoints)
        {
            if (!endpoint.IsAbsoluteUri || endpoint.Scheme is not ("http" or "https"))
            {
                yield return $"Endpoints: '{endpoint}' is not an http:// or https:// address.";
            }
        }

        if (User is null != Password is null) { yield return "User and Password go together; only one is set."; }
        if (KeepAlivePingDelay < LeastPingDelay)
        {
            yield return $"KeepAlivePingDelay is {KeepAlivePingDelay}; the least is {LeastPingDelay}, or etcd ends the connection (too_many_pings).";
        }

        if (MaxAnswerBytes < 1024) { yield return $"MaxAnswerBytes is {MaxAnswerBytes}; the least is 1024."; }
        foreach ((string name, TimeSpan time) in new[]
        {
            (nameof(CallTimeout), CallTimeout), (nameof(AttemptTimeout), AttemptTimeout), (nameof(ConnectTimeout), ConnectTimeout),
            (nameof(KeepAlivePingTimeout), KeepAlivePingTimeout), (nameof(TokenAge), TokenAge),
        })
        {
            if (time <= TimeSpan.Zero || time > TimeSpan.FromDays(1)) { yield return $"{name} is {time}; it must be more than zero and at most a day."; }
        }

        foreach (string problem in Tls.Problems()) { yield return problem; }
    }
}
