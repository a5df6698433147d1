namespace Quorate.Bench;

/// <summary>What a load does: requests of some kinds, in shares. To add one: a line below, and its name in <see cref="All"/>.</summary>
/// <param name="Name">On the command line and in reports.</param>
/// <param name="Description">For the help.</param>
/// <param name="Parts">Kinds of requests and how many of a hundred are such.</param>
internal sealed record BenchWorkload(string Name, string Description, params (RequestKind Kind, int Percent)[] Parts)
{
    /// <summary>Which keys, unless the command line says otherwise.</summary>
    public KeyDistribution Distribution { get; init; }

    /// <summary>Sent once for each key before the load, so that it finds what it asks for; null: it needs nothing.</summary>
    public RequestKind? Prepare { get; init; }

    /// <summary>Sent once for each key after the load; null: nothing is to be cleared away.</summary>
    public RequestKind? ClearAway { get; init; }

    /// <summary>What carries it out.</summary>
    public Func<BenchPlan, BenchProgress, BenchResult> Run { get; init; } = BenchRunner.Run;

    /// <summary>Requests for keys that are numbers of leases.</summary>
    public bool IsAboutLeases => Prepare == RequestKinds.LeaseGrant;

    /// <summary>It reads, so that reads may be serializable.</summary>
    public bool Reads => Parts.Any(p => p.Kind.Path == RequestKinds.Get.Path);

    /// <summary>It adds keys while it runs.</summary>
    public bool Inserts => Parts.Any(p => p.Kind.Keys == KeyUse.New);

    public static BenchWorkload Put { get; } = new("put", "Write keys drawn at random.", (RequestKinds.Put, 100));

    public static BenchWorkload Get { get; } = new("get", "Read keys drawn at random, after writing each once.", (RequestKinds.Get, 100))
    {
        Prepare = RequestKinds.Put,
    };

    public static BenchWorkload Range { get; } = new(
        "range", "Read ranges of neighbouring keys, after writing each once. The answers must have all of them.", (RequestKinds.Range, 100))
    {
        Prepare = RequestKinds.Put,
    };

    public static BenchWorkload Txn { get; } = new(
        "txn", "Compare and put: if the key exists, write it, else read it. Each is written once before.", (RequestKinds.Txn, 100))
    {
        Prepare = RequestKinds.Put,
    };

    public static BenchWorkload KeepAlive { get; } = new(
        "keep-alive", "Renew leases drawn at random; they are granted before and revoked after it. One stream per client.", (RequestKinds.KeepAlive, 100))
    {
        Prepare = RequestKinds.LeaseGrant,
        ClearAway = RequestKinds.LeaseRevoke,
    };

    public static BenchWorkload Watch { get; } = new(
        "watch", "Watch fan-out: watches on one key or several, puts to them, and the delay from a put to each watch's event.", (RequestKinds.Put, 100))
    {
        Run = WatchRunner.Run,
    };

    /// <summary>The core workloads of YCSB (Cooper et al., "Benchmarking cloud serving systems with YCSB", 2010), table 2.</summary>
    public static BenchWorkload[] Ycsb { get; } =
    [
        Mix("a", "update heavy: 50 % get, 50 % put", (RequestKinds.Get, 50), (RequestKinds.Put, 50)),
        Mix("b", "read mostly: 95 % get, 5 % put", (RequestKinds.Get, 95), (RequestKinds.Put, 5)),
        Mix("c", "read only", (RequestKinds.Get, 100)),
        Mix("d", "read latest: 95 % get, 5 % insert", (RequestKinds.Get, 95), (RequestKinds.Insert, 5)) with { Distribution = KeyDistribution.Latest },
        Mix("e", "short ranges: 95 % scan of 1 to 100 keys, 5 % insert", (RequestKinds.Scan, 95), (RequestKinds.Insert, 5)),
        Mix("f", "50 % get, 50 % get and then put of the same key", (RequestKinds.Get, 50), (RequestKinds.ReadModifyWrite, 50)),
    ];

    /// <summary>All there are.</summary>
    public static BenchWorkload[] All { get; } = [Put, Get, Range, Txn, KeepAlive, Watch, .. Ycsb];

    private static BenchWorkload Mix(string letter, string description, params (RequestKind Kind, int Percent)[] parts) =>
        new($"ycsb-{letter}", description, parts) { Prepare = RequestKinds.Put, Distribution = KeyDistribution.Zipfian };
}
