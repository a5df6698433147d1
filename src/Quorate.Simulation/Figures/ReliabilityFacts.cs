using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Quorate.Simulation.Figures;

/// <summary>What runs have shown so far, to be added to by further runs. The page of figures is made from this and nothing else.</summary>
public sealed class ReliabilityFacts
{
    private static readonly JsonSerializerOptions Json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        WriteIndented = true,
        NewLine = "\n",
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, // For people; nobody puts it into a web page.
    };

    /// <summary>Of simulated runs.</summary>
    public SimulatedFacts Simulated { get; set; } = new();

    /// <summary>Of rounds with real processes.</summary>
    public RealFacts Real { get; set; } = new();

    /// <summary>Bugs that were planted to see whether a net catches them, by name.</summary>
    public SortedDictionary<string, PlantedFact> Planted { get; set; } = new(StringComparer.Ordinal);

    /// <summary>Reads what <see cref="ToJson"/> wrote.</summary>
    /// <exception cref="JsonException">It did not.</exception>
    public static ReliabilityFacts Parse(string json) => JsonSerializer.Deserialize<ReliabilityFacts>(json, Json) ?? throw new JsonException("the facts are null");

    /// <summary>The facts as indented JSON that ends in a line break.</summary>
    public string ToJson() => JsonSerializer.Serialize(this, Json) + "\n";

    /// <summary>
    /// Takes a line of a record: <c>{"fault":"P1","where":"real","checkers":["register"],"passed":9,"failed":0,"minutes":4.5}</c>,
    /// <c>{"total":"real","passed":30,"failed":0,"minutes":31.5,"operations":123456}</c> or
    /// <c>{"bug":"ack-before-sync","catalogue":1,"net":"Histories","seed":17,"within":200}</c>. The first two are added to what is there,
    /// the third replaces what was known of the bug; a bug that was not caught has no net (or an empty one), and one that no seed showed
    /// no seed (or 0).
    /// </summary>
    /// <exception cref="JsonException">It is none of these.</exception>
    public void AddLine(string line)
    {
        using var document = JsonDocument.Parse(line);
        JsonElement json = document.RootElement;
        if (json.ValueKind != JsonValueKind.Object) { throw new JsonException("a record is a JSON object"); }
        if (json.TryGetProperty("bug", out JsonElement bug))
        {
            Planted[Text(bug)] = new()
            {
                Net = json.TryGetProperty("net", out JsonElement net) && net.ValueKind == JsonValueKind.String && net.GetString() is { Length: > 0 } caught ? caught : null,
                Seed = json.TryGetProperty("seed", out JsonElement seed) && seed.ValueKind == JsonValueKind.Number && seed.GetUInt64() is > 0 and var first ? first : null,
                Within = (int)Number(json, "within"),
                Row = json.TryGetProperty("catalogue", out _) ? (int)Number(json, "catalogue") : 0,
            };
        }
        else if (json.TryGetProperty("total", out JsonElement total) && Text(total) == "real")
        {
            Real.Passed += (long)Number(json, "passed");
            Real.Failed += (long)Number(json, "failed");
            Real.Minutes = Math.Round(Real.Minutes + Number(json, "minutes"), 3);
            Real.Operations += (long)Number(json, "operations");
        }
        else if (json.TryGetProperty("fault", out JsonElement fault) && json.TryGetProperty("where", out JsonElement where) && Text(where) == "real")
        {
            RealFault row = Entry(Real.Faults, Known(Text(fault)));
            row.Passed += (long)Number(json, "passed");
            row.Failed += (long)Number(json, "failed");
            row.Minutes = Math.Round(row.Minutes + Number(json, "minutes"), 3);
            foreach (JsonElement checker in json.GetProperty("checkers").EnumerateArray()) { row.Checkers.Add(Text(checker)); }
        }
        else { throw new JsonException("a record has \"fault\" with \"where\":\"real\", or \"total\":\"real\", or \"bug\""); }
    }

    /// <summary>Adds a run of a whole plan of a scenario. A seed that was counted before is not counted again.</summary>
    /// <returns>False if it was counted before.</returns>
    /// <exception cref="JsonException">A fault of the run is in no row of the catalogue.</exception>
    public bool Add(string scenario, SimResult run)
    {
        SeedSet seeds = SeedSet.Parse(Simulated.Seeds.GetValueOrDefault(scenario) ?? []);
        if (!seeds.Add(run.Seed)) { return false; }
        Simulated.Seeds[scenario] = [.. seeds.Ranges];
        bool isPassed = run.Failure is null;
        Simulated.Runs++;
        if (!isPassed) { Simulated.Failures++; }
        Simulated.Seconds = Math.Round(Simulated.Seconds + run.Simulated.TotalSeconds, 3);
        Simulated.Events += run.Events;
        Simulated.Operations += run.Operations;
        foreach (string workload in run.Workloads) { Increase(Simulated.Workloads, workload); }
        if (run.IsQuiet && isPassed)
        {
            Simulated.Quiet++;
            return true;
        }

        foreach ((string row, int strikes) in run.Struck)
        {
            SimulatedFault fault = Entry(Simulated.Faults, Known(row));
            fault.Strikes += strikes;
            if (!isPassed)
            {
                fault.Failed++;
                continue;
            }

            fault.Passed++;
            foreach (string workload in run.Workloads) { Increase(fault.Checkers, workload); }
        }

        return true;
    }

    /// <summary>Adds the real time in which runs of a scenario went through so much simulated time.</summary>
    public void AddTime(string scenario, TimeSpan simulated, TimeSpan real)
    {
        Simulated.RealSeconds = Math.Round(Simulated.RealSeconds + real.TotalSeconds, 1);
        ScenarioTime time = Entry(Simulated.Times, scenario);
        time.Seconds = Math.Round(time.Seconds + simulated.TotalSeconds, 3);
        time.RealSeconds = Math.Round(time.RealSeconds + real.TotalSeconds, 1);
    }

    /// <summary>Adds how often the probes of this process were hit.</summary>
    public void AddProbes(IEnumerable<(string Name, long Hits)> probes)
    {
        foreach ((string name, long hits) in probes) { Simulated.Probes[name] = Simulated.Probes.GetValueOrDefault(name) + hits; }
    }

    private static string Known(string row) =>
        FaultCatalogue.All.Any(fault => fault.Row == row) ? row : throw new JsonException($"\"{row}\" is no row of the catalogue of faults");

    private static void Increase(SortedDictionary<string, long> counts, string name) => counts[name] = counts.GetValueOrDefault(name) + 1;

    private static T Entry<T>(SortedDictionary<string, T> entries, string name)
        where T : new()
    {
        if (!entries.TryGetValue(name, out T? entry)) { entries.Add(name, entry = new()); }
        return entry;
    }

    private static string Text(JsonElement json) =>
        json.ValueKind == JsonValueKind.String ? json.GetString()! : throw new JsonException($"{json} should be a text");

    private static double Number(JsonElement json, string member) =>
        json.TryGetProperty(member, out JsonElement number) && number.ValueKind == JsonValueKind.Number && number.GetDouble() >= 0
            ? number.GetDouble()
            : throw new JsonException($"\"{member}\" should be a number, 0 or more");
}

/// <summary>Sums over simulated runs of whole plans.</summary>
public sealed class SimulatedFacts
{
    /// <summary>Which seeds of which scenario.</summary>
    public SortedDictionary<string, string[]> Seeds { get; set; } = new(StringComparer.Ordinal);

    /// <summary>How fast each scenario went, of the runs that were timed apart from others.</summary>
    public SortedDictionary<string, ScenarioTime> Times { get; set; } = new(StringComparer.Ordinal);

    /// <summary>Runs.</summary>
    public long Runs { get; set; }

    /// <summary>Runs that broke a promise.</summary>
    public long Failures { get; set; }

    /// <summary>Runs that planned faults of which none struck, or in which nothing was acknowledged: they count in no row.</summary>
    public long Quiet { get; set; }

    /// <summary>Simulated seconds.</summary>
    public double Seconds { get; set; }

    /// <summary>Real seconds.</summary>
    public double RealSeconds { get; set; }

    /// <summary>Events.</summary>
    public long Events { get; set; }

    /// <summary>Operations of clients.</summary>
    public long Operations { get; set; }

    /// <summary>Runs with each workload, whose history was then checked.</summary>
    public SortedDictionary<string, long> Workloads { get; set; } = new(StringComparer.Ordinal);

    /// <summary>By row of the catalogue.</summary>
    public SortedDictionary<string, SimulatedFault> Faults { get; set; } = new(StringComparer.Ordinal);

    /// <summary>How often rare paths of the product were taken.</summary>
    public SortedDictionary<string, long> Probes { get; set; } = new(StringComparer.Ordinal);
}

/// <summary>Simulated and real time of the runs of a scenario.</summary>
public sealed class ScenarioTime
{
    /// <summary>Simulated seconds.</summary>
    public double Seconds { get; set; }

    /// <summary>Real seconds.</summary>
    public double RealSeconds { get; set; }
}

/// <summary>What simulated runs showed of a fault.</summary>
public sealed class SimulatedFault
{
    /// <summary>Times that it struck.</summary>
    public long Strikes { get; set; }

    /// <summary>Runs in which it struck and every promise held.</summary>
    public long Passed { get; set; }

    /// <summary>Runs in which it struck and one did not.</summary>
    public long Failed { get; set; }

    /// <summary>Of those that passed: how many each checker of histories has judged.</summary>
    public SortedDictionary<string, long> Checkers { get; set; } = new(StringComparer.Ordinal);
}

/// <summary>Sums over rounds with real processes.</summary>
public sealed class RealFacts
{
    /// <summary>Rounds in which every promise held.</summary>
    public long Passed { get; set; }

    /// <summary>Rounds in which one did not.</summary>
    public long Failed { get; set; }

    /// <summary>Minutes of all rounds.</summary>
    public double Minutes { get; set; }

    /// <summary>Operations of clients.</summary>
    public long Operations { get; set; }

    /// <summary>By row of the catalogue.</summary>
    public SortedDictionary<string, RealFault> Faults { get; set; } = new(StringComparer.Ordinal);
}

/// <summary>What rounds with real processes showed of a fault.</summary>
public sealed class RealFault
{
    /// <summary>Rounds with it in which every promise held.</summary>
    public long Passed { get; set; }

    /// <summary>Rounds with it in which one did not.</summary>
    public long Failed { get; set; }

    /// <summary>Minutes of rounds with it.</summary>
    public double Minutes { get; set; }

    /// <summary>What judged them.</summary>
    public SortedSet<string> Checkers { get; set; } = new(StringComparer.Ordinal);
}

/// <summary>What became of a planted bug.</summary>
public sealed class PlantedFact
{
    /// <summary>What caught it: a net of the simulation, or a test; null if nothing did.</summary>
    public string? Net { get; set; }

    /// <summary>The first seed that showed it; null if none did.</summary>
    public ulong? Seed { get; set; }

    /// <summary>Seeds up to this one were tried at most; 0 if none was, since a test of its own caught it.</summary>
    public int Within { get; set; }

    /// <summary>Its row in <see cref="PlantedCatalogue"/>; 0 if it has none.</summary>
    public int Row { get; set; }
}
