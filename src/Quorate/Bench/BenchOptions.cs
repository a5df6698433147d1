using System.CommandLine;
using Quorate.Cli;
using Quorate.FrontDoors.Etcd.Client;

namespace Quorate.Bench;

/// <summary>The options of a load, and the plan that they make.</summary>
internal sealed class BenchOptions
{
    private static readonly TimeSpan TimeToLogIn = TimeSpan.FromSeconds(10);

    private readonly EndpointsOption _endpoints = new();
    private readonly Option<string> _format = Common.Format();
    private readonly Option<int> _clients = Number("--clients", 1, "Requests in flight at once.");
    private readonly Option<int?> _connections = new("--connections") { Description = "TCP connections. Default: one per 32 clients, at most 8, but one per endpoint; of watches 4, and one for the puts." };
    private readonly Option<int> _keySize = Number("--key-size", 16, "Bytes of a key.");
    private readonly Option<int> _valueSize = Number("--value-size", 256, "Bytes of a value.");
    private readonly Option<int> _keys = Number("--keys", 10_000, "Different keys.");
    private readonly Option<int> _watchedKeys = Number("--keys", 1, "Keys that the watches are spread over.");
    private readonly Option<int> _watchers = Number("--watchers", 1000, "Watches, all connections together.");
    private readonly Option<int?> _streams = new("--streams") { Description = "Streams that the watches are spread over. Default: one per 100 watches." };
    private readonly Option<int> _leases = Number("--leases", 1000, "Different leases.");
    private readonly Option<int> _rangeSize = Number("--range-size", 10, "Keys of a range. A power of ten makes the ranges those of a common prefix.");
    private readonly Option<int> _limit = Number("--limit", 0, "Keys that an answer has at most; 0: all.");

    private readonly Option<KeyDistribution?> _distribution = new("--distribution")
    {
        Description = "How keys are drawn: uniform, zipfian (a few much more often), latest (those written last), sequential (each once, then again).",
        HelpName = "name",
    };

    private readonly Option<long> _total = new("--total") { Description = "Measured requests. Default: as many as fit into --seconds." };
    private readonly Option<double> _seconds = Number("--seconds", 10.0, "Measured time.");
    private readonly Option<double> _warmUp = Number("--warm-up", 2.0, "Seconds of load before measuring.");
    private readonly Option<double> _rate = new("--rate")
    {
        Description = "Open loop: requests started per second, latency measured from the planned start, so that a server "
            + "that stalls cannot hide it. Default: closed loop, each client waits for its answer.",
    };

    private readonly Option<int> _keyspaces = new("--keyspaces") { Description = "Spread the puts over so many keyspaces in turn, bench-1, bench-2, ..., which must exist." };
    private readonly Option<bool> _serializable = new("--serializable") { Description = "Reads may be stale." };
    private readonly Option<bool> _skipFill = new("--skip-fill") { Description = "Do not write the keys before. Keys that are not there are counted, not errors." };
    private readonly Option<string?> _compare = new("--compare") { Description = "Other server (or servers, by commas): rounds alternate between both.", HelpName = "urls" };
    private readonly Option<int> _rounds = Number("--rounds", 3, "Rounds of a comparison.");

    /// <summary>Adds those that the workload has a use for.</summary>
    public void AddTo(Verb verb, BenchWorkload workload)
    {
        _clients.Aliases.Add("-c");
        verb.Add(_endpoints);
        verb.Add(_clients);
        verb.Add(_connections);
        Option[] own = workload.IsAboutLeases ? [_leases]
            : workload == BenchWorkload.Watch ? [_watchers, _streams, _watchedKeys, _keySize, _valueSize]
            : [_keySize, _valueSize, _keys];
        Option[] reads = workload.Reads ? [_serializable] : [];
        Option[] fills = workload.Prepare == RequestKinds.Put ? [_skipFill] : [];
        Option[] ranges = workload.Parts.Any(p => p.Kind == RequestKinds.Range) ? [_rangeSize, _limit] : [];
        Option[] spread = workload == BenchWorkload.Put ? [_keyspaces] : [];
        Option[] all = [.. spread, .. own, _distribution, .. ranges, .. reads, .. fills, _total, _seconds, _warmUp, _rate, _compare, _rounds, _format];
        foreach (Option option in all) { verb.Add(option); }
    }

    /// <summary>True if JSON was asked for.</summary>
    public bool IsJson(ParseResult parsed) => Common.IsJson(parsed, _format);

    /// <summary>Rounds of a comparison.</summary>
    public int Rounds(ParseResult parsed) => parsed.GetValue(_rounds) is >= 1 and <= 100 and int rounds
        ? rounds
        : throw new CliException(ExitCode.Usage, $"--rounds is {parsed.GetValue(_rounds)}; it must be 1 to 100.");

    /// <summary>The same plan for the server to compare with; null if there is none.</summary>
    public BenchPlan? Other(ParseResult parsed, BenchPlan plan) => parsed.GetValue(_compare) is { } urls
        ? LoggedIn(parsed, plan with { Endpoints = Common.EndpointUris(urls, _endpoints.HasTls(parsed)), Metadata = [], Turns = [] }, keyspace: null) // Keyspaces are Quorate's.
        : null;

    /// <summary>The plan.</summary>
    /// <exception cref="CliException">It cannot be carried out; all reasons at once.</exception>
    public BenchPlan Plan(ParseResult parsed, BenchWorkload workload)
    {
        int clients = parsed.GetValue(_clients);
        Uri[] uris = Common.EndpointUris(parsed, _endpoints);
        int keyspaces = parsed.GetValue(_keyspaces);
        if (keyspaces is < 0 or > 100_000) { throw new CliException(ExitCode.Usage, $"--keyspaces is {keyspaces}; it must be 0 to 100000."); }
        bool watches = workload == BenchWorkload.Watch;
        int streams = !watches ? 0 : parsed.GetValue(_streams) ?? Math.Max(1, (parsed.GetValue(_watchers) + 99) / 100);
        int most = watches ? streams : clients;
        bool fills = workload.Prepare is not null && !(workload.Prepare == RequestKinds.Put && parsed.GetValue(_skipFill));
        var plan = new BenchPlan
        {
            Workload = workload,
            Endpoints = uris,
            Tls = _endpoints.Tls(parsed),
            Metadata = _endpoints.Keyspace(parsed) is { } keyspace ? [(EtcdGrpcClient.KeyspaceHeader, keyspace)] : [],
            Turns = [.. Enumerable.Range(1, keyspaces).Select(n => (EtcdGrpcClient.KeyspaceHeader, string.Create(System.Globalization.CultureInfo.InvariantCulture, $"bench-{n}")))],
            Clients = clients,
            Connections = parsed.GetValue(_connections) ?? Math.Min(Math.Max(1, most), Math.Max(uris.Length, watches ? 4 : Math.Clamp(clients / 32, 1, 8))),
            KeyBytes = workload.IsAboutLeases ? 16 : parsed.GetValue(_keySize),
            ValueBytes = workload.IsAboutLeases ? 0 : parsed.GetValue(_valueSize),
            Keys = parsed.GetValue(watches ? _watchedKeys : workload.IsAboutLeases ? _leases : _keys),
            Distribution = parsed.GetValue(_distribution) ?? workload.Distribution,
            Watchers = watches ? parsed.GetValue(_watchers) : 0,
            Streams = streams,
            RangeSize = parsed.GetResult(_rangeSize) is null ? 10 : parsed.GetValue(_rangeSize),
            Limit = parsed.GetValue(_limit),
            Total = parsed.GetValue(_total),
            Seconds = parsed.GetValue(_seconds),
            WarmUpSeconds = parsed.GetValue(_warmUp),
            Rate = parsed.GetValue(_rate),
            Serializable = parsed.GetValue(_serializable),
            Fill = fills,
            KeysExist = fills,
        };
        string[] problems = [.. plan.Problems()];
        return problems.Length == 0
            ? LoggedIn(parsed, plan, _endpoints.Keyspace(parsed))
            : throw new CliException(ExitCode.Usage, string.Join('\n', problems));
    }

    // One token for all connections; in use it does not end.
    private BenchPlan LoggedIn(ParseResult parsed, BenchPlan plan, string? keyspace)
    {
        if (_endpoints.User(parsed) is not { } user) { return plan; }
        using var client = new EtcdGrpcClient(plan.Endpoints, tls: plan.Tls, keyspace: keyspace, user: user);
        return client.TokenAsync(TimeToLogIn).GetAwaiter().GetResult() is { } token ? plan with { Metadata = [.. plan.Metadata, ("token", token)] } : plan;
    }

    private static Option<T> Number<T>(string name, T value, string description) => new(name)
    {
        Description = string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{description} Default: {value}."),
        DefaultValueFactory = _ => value,
    };
}
