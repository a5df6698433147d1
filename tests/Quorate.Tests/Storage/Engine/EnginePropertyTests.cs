using Quorate.Core;
using Quorate.Storage.Engine;
using Xunit;

namespace Quorate.Tests.Storage.Engine;

public sealed class EnginePropertyTests
{
    // Property: whatever the sizes of its buffers, blocks and files, whenever its jobs run, fail or are cut short by a crash, the
    // engine answers as a sorted map does, and comes back as it was at one publish, not before the last flush it told of.
    [Theory]
    [MemberData(nameof(Seeds))]
    public void Engine_answers_as_a_sorted_map_whatever_its_sizes(int firstSeed)
    {
        for (int seed = firstSeed; seed < firstSeed + 25; seed++)
        {
            var random = new Prng((ulong)seed);
            EngineOptions options = RandomOptions(random);
            List<EngineStep> steps = [.. Enumerable.Range(0, 250).Select(_ => EngineStep.Random(random))];
            if (Run(options, steps) is { } failure)
            {
                steps = Shorten(options, steps);
                Assert.Fail($"seed {seed}, {options}:\n{string.Join('\n', steps)}\n{Run(options, steps) ?? failure}");
            }
        }
    }

    public static TheoryData<int> Seeds() => [.. Enumerable.Range(0, 16).Select(i => 1 + (i * 25))];

    private static string? Run(EngineOptions options, List<EngineStep> steps)
    {
        try
        {
            using var world = new EngineWorld(options);
            foreach (EngineStep step in steps)
            {
                if (step.RunOn(world) is { } wrong) { return $"{step}: {wrong}"; }
            }

            world.Publish();
            world.Engine.RequestFlush();
            world.Settle();
            Assert.Equal(world.Index, world.Engine.Flushed.Index.Value);
            return world.Scan("", "");
        }
        catch (Exception exception)
        {
            return exception.ToString();
        }
    }

    // Leaves out whatever can be left out while it still fails.
    private static List<EngineStep> Shorten(EngineOptions options, List<EngineStep> steps)
    {
        for (int size = steps.Count / 2; size > 0; size /= 2)
        {
            for (int at = 0; at + size <= steps.Count;)
            {
                List<EngineStep> fewer = [.. steps[..at], .. steps[(at + size)..]];
                if (Run(options, fewer) is null) { at += size; }
                else { steps = fewer; }
            }
        }

        return steps;
    }

    internal static EngineOptions RandomOptions(Prng random) => new()
    {
        MemTableBytes = random.Chance(1, 2) ? 4096 : 16384,
        BlockBytes = (int)random.Between(64, 400),
        FileBytes = (int)random.Between(1024, 3000),
        Level0Files = random.Below(4) + 1,
        Level1Bytes = random.Between(1024, 6000),
        BloomBitsPerKey = random.Below(12),
        ManifestBytes = (int)random.Between(4096, 40000),
        CompressFromLevel = random.Below(8),
    };
}

/// <summary>One step, printed as a line of a script.</summary>
internal sealed record EngineStep(string Name, string A = "", string B = "", int N = 0, string[]? Steps = null)
{
    public static EngineStep Random(Prng random)
    {
        string a = Key(random);
        string b = Key(random);
        int n = random.Below(1000);
        return random.Below(40) switch
        {
            < 14 => new("put", a, new string((char)random.Between('a', 'z'), random.Chance(1, 8) ? random.Below(900) : random.Below(40))),
            < 18 => new("delete", a),
            < 22 => new("publish"),
            < 24 => new("get", a),
            < 26 => new("first", a),
            26 => new("scan", random.Chance(1, 3) ? "" : a, random.Chance(1, 3) ? "" : b),
            27 => new("walk", random.Chance(1, 3) ? "" : a, random.Chance(1, 3) ? "" : b, Steps: Walk(random)),
            28 => new("open-view"),
            29 => new("read-views", a),
            30 => random.Chance(1, 2) ? new("close-view", N: n) : new("read-views", a),
            < 33 => new("take-jobs", N: random.Below(4)),
            < 36 => new("run-job", N: n),
            36 => random.Below(3) switch { 0 => new("flush"), 1 => new("compact"), _ => new("reclaim") },
            37 => random.Chance(1, 3) ? new("fail-jobs", N: random.Below(6)) : new("settle"),
            38 => random.Chance(1, 2) ? new("checkpoint") : new("install"),
            _ => random.Chance(1, 3) ? new("reopen") : new("crash", N: n),
        };
    }

    public string? RunOn(EngineWorld world)
    {
        switch (Name)
        {
            case "put": world.Put(A, B); return null;
            case "delete": world.Delete(A); return null;
            case "publish": world.Publish(); return null;
            case "get": return world.Get(A);
            case "first": return world.First(A);
            case "scan": return world.Scan(A, B);
            case "walk": return world.Walk(A, B, Steps!);
            case "open-view": world.OpenView(); return null;
            case "read-views": return world.ReadViews(A);
            case "close-view": world.CloseView(N); return null;
            case "take-jobs": world.TakeJobs(N); return null;
            case "run-job": world.RunJob(N); return null;
            case "flush": world.Engine.RequestFlush(); return null;
            case "compact": world.Engine.RequestCompaction(); return null;
            case "reclaim": world.Engine.RequestReclaim(); return null;
            case "fail-jobs": world.FailJobs(N); return null;
            case "settle": world.Settle(); return null;
            case "checkpoint": world.OpenCheckpoint(); return null;
            case "install": return world.InstallCheckpoints();
            case "reopen": return world.Reopen(null);
            default: return world.Reopen((ulong)N);
        }
    }

    public override string ToString() => $"{Name} {A} {B} {N} {string.Join(' ', Steps ?? [])}".TrimEnd();

    // Few first letters, so that prefixes are shared and files overlap; sometimes bytes at the ends of their range.
    public static string Key(Prng random)
    {
        int length = random.Below(5);
        char first = random.Chance(1, 20) ? '\u00ff' : (char)('a' + random.Below(3));
        return first + string.Concat(Enumerable.Range(0, length).Select(_ => random.Chance(1, 15) ? '\0' : (char)('a' + random.Below(4))));
    }

    private static string[] Walk(Prng random) =>
        [.. Enumerable.Range(0, random.Below(12)).Select(_ => "flsbnp"[random.Below(6)] switch
        {
            's' => $"s{Key(random)}",
            'b' => $"b{Key(random)}",
            char other => $"{other}",
        })];
}
