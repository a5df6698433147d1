using System.Text;
using Quorate.Core;
using Quorate.Simulation.Disk;
using Quorate.Storage.Engine;
using Xunit;

namespace Quorate.Tests.Storage.Engine;

/// <summary>A sorted map beside an engine: every answer of the engine is compared with the map's, as text.</summary>
internal sealed class EngineWorld : IDisposable
{
    public static readonly EngineKeys Keys = new(static key => Math.Min(2, key.Length), static _ => new CheckingFilter());

    private readonly SortedDictionary<ulong, SortedMap> _published; // What a crash may bring back, by index.
    private readonly List<(IReadView View, SortedMap Model, ulong Index)> _views = [];
    private readonly List<EngineJob> _jobs = [];
    private readonly List<(EngineCheckpoint Checkpoint, SortedMap Model)> _checkpoints = [];
    private int _installs;

    public EngineWorld(EngineOptions options, SimDisk? disk = null)
    {
        Options = options;
        Disk = disk ?? new();
        _published = new() { [0] = new() };
        Engine = StorageEngine.Open(Disk, "shard", options, Keys);
    }

    // The same history on a disk that has been through a crash.
    private EngineWorld(EngineWorld before, SimDisk disk)
    {
        Options = before.Options;
        Disk = disk;
        _published = new(before._published);
        Engine = StorageEngine.Open(Disk, "shard", Options, Keys);
    }

    public EngineOptions Options { get; }

    public SimDisk Disk { get; }

    public StorageEngine Engine { get; private set; }

    public SortedMap Model { get; private set; } = new();

    public ulong Index { get; private set; }

    public void Put(string key, string value)
    {
        Engine.Put(Bytes(key), Bytes(value));
        Model.Put(key, value);
    }

    public void Delete(string key)
    {
        Engine.Delete(Bytes(key));
        Model.Delete(key);
    }

    public void Publish()
    {
        Index++;
        Engine.Publish(new(new(Index), new(7)));
        _published[Index] = Model.Copy();
    }

    public string? Get(string key) => Compare($"get {key}", Get(Engine, key), Model.Get(key));

    public string? First(string key)
    {
        string prefix = PrefixOf(ref key);
        return Compare($"first {key}", First(Engine, prefix, key), Model.First(prefix, key));
    }

    public string? Scan(string lower, string upper) => Compare(Engine, Model, lower, upper);

    // Steps of a cursor, each a letter and perhaps a key: f first, l last, s seek, b before, n next, p previous.
    public string? Walk(string lower, string upper, IReadOnlyList<string> steps) => Walk(Model, lower, upper, steps, Engine.OpenCursor(Bytes(lower), Bytes(upper)));

    public void OpenView()
    {
        if (_views.Count < 4) { _views.Add((Engine.OpenReadView(), _published[Index], Index)); }
    }

    public string? ReadViews(string key)
    {
        foreach ((IReadView view, SortedMap model, ulong index) in _views)
        {
            string prefix = PrefixOf(ref key);
            string? wrong = Compare("view's index", $"{view.AppliedIndex}", $"{index}")
                ?? Compare($"view at {index}: get {key}", Get(view, key), model.Get(key))
                ?? Compare($"view at {index}: first {key}", First(view, prefix, key), model.First(prefix, key))
                ?? Compare(view, model, "", "");
            if (wrong is not null) { return wrong; }
        }

        return null;
    }

    public void CloseView(int which)
    {
        if (_views.Count == 0) { return; }
        _views[which % _views.Count].View.Dispose();
        _views.RemoveAt(which % _views.Count);
    }

    // Takes what the engine offers, up to some; they run later, in any order.
    public void TakeJobs(int count)
    {
        while (count-- > 0 && Engine.NextJob() is { } job) { _jobs.Add(job); }
    }

    public void RunJob(int which)
    {
        if (_jobs.Count == 0) { return; }
        EngineJob job = _jobs[which % _jobs.Count];
        _jobs.Remove(job);
        job.Run();
        Engine.Complete(job, failed: false);
    }

    // The disk is full for all jobs that are out, at one of their first writes.
    public void FailJobs(int after)
    {
        foreach (EngineJob job in _jobs)
        {
            int left = after;
            Disk.Fault = io => io.Kind is SimIoKind.Write or SimIoKind.Sync or SimIoKind.Create && left-- == 0 ? DiskFault.Full : null;
            bool failed = false;
            try { job.Run(); }
            catch (DiskException) { failed = true; }
            Disk.Fault = null;
            Engine.Complete(job, failed);
        }

        _jobs.Clear();
    }

    public void Settle()
    {
        while (_jobs.Count > 0) { RunJob(0); }
        for (int i = 0; Engine.NextJob() is { } job; i++)
        {
            Assert.True(i < 10_000, $"the engine has work for ever: {job.Name}");
            job.Run();
            Engine.Complete(job, failed: false);
        }
    }

    public void OpenCheckpoint()
    {
        if (_checkpoints.Count < 2) { _checkpoints.Add((Engine.OpenCheckpoint(), _published[Engine.Flushed.Index.Value])); }
    }

    public string? InstallCheckpoints()
    {
        foreach ((EngineCheckpoint checkpoint, SortedMap model) in _checkpoints)
        {
            string directory = $"copy/{_installs++}";
            foreach ((string name, long length) in checkpoint.Files)
            {
                byte[] bytes = Disk.ReadAll($"shard/{name}");
                Assert.Equal(length, bytes.Length);
                Disk.Put($"{directory}/{name}", bytes);
            }

            StorageEngine.InstallCheckpoint(Disk, directory, checkpoint.Manifest.Span);
            using var copy = StorageEngine.Open(Disk, directory, Options, Keys);
            string? wrong = Compare("position", $"{copy.Flushed}", $"{checkpoint.Position}") ?? Compare(copy, model, "", "");
            if (wrong is not null) { return $"checkpoint: {wrong}"; }
            checkpoint.Dispose();
        }

        _checkpoints.Clear();
        return null;
    }

    // A clean stop, or the power goes: either way the engine comes back as it was flushed.
    public string? Reopen(ulong? crashSeed, EngineOptions? options = null)
    {
        ulong flushed = Engine.Flushed.Index.Value;
        CloseAll();
        if (crashSeed is { } seed)
        {
            var random = new Prng(seed);
            Disk.Crash(random, (seed % 3) switch { 0 => SimCrash.LoseUnsynced, 1 => SimCrash.KeepAll, _ => SimCrash.Mixed });
        }

        Engine = StorageEngine.Open(Disk, "shard", options ?? Options, Keys);
        return CheckRecovered(flushed);
    }

    // The engine on a disk as a crash left it; not before what it had said was flushed.
    public static EngineWorld Recover(EngineWorld before, SimDisk disk, ulong atLeast)
    {
        var world = new EngineWorld(before, disk);
        Assert.Null(world.CheckRecovered(atLeast));
        return world;
    }

    private string? CheckRecovered(ulong atLeast)
    {
        Index = Engine.Flushed.Index.Value;
        if (Index < atLeast) { return $"the engine said that {atLeast} is flushed, and came back at {Index}"; }
        if (Engine.Applied != Engine.Flushed) { return $"applied is {Engine.Applied}, flushed {Engine.Flushed}"; }
        if (!_published.TryGetValue(Index, out SortedMap? model)) { return $"the engine came back at {Index}, which was never published"; }
        foreach (ulong later in _published.Keys.Where(index => index > Index).ToArray()) { _published.Remove(later); }
        Model = model.Copy();
        return Scan("", "");
    }

    public void CloseAll()
    {
        foreach ((IReadView view, _, _) in _views) { view.Dispose(); }
        foreach ((EngineCheckpoint checkpoint, _) in _checkpoints) { checkpoint.Dispose(); }
        _views.Clear();
        _checkpoints.Clear();
        _jobs.Clear();
        Engine.Dispose();
    }

    public void Dispose() => CloseAll();

    public static byte[] Bytes(string text) => Encoding.Latin1.GetBytes(text);

    public static string Text(ReadOnlySpan<byte> bytes) => Encoding.Latin1.GetString(bytes);

    public static string? Get(IStoreReader store, string key) => store.TryGet(Bytes(key), out ReadOnlySpan<byte> value) ? Text(value) : null;

    public static string? First(IStoreReader store, string prefix, string from) =>
        store.TryGetFirst(Bytes(prefix), Bytes(from), out ReadOnlySpan<byte> key, out ReadOnlySpan<byte> value)
            ? $"{Text(key)}={Text(value)}"
            : null;

    public static string? Compare(IStoreReader store, SortedMap model, string lower, string upper)
    {
        using ICursor cursor = store.OpenCursor(Bytes(lower), Bytes(upper));
        var forward = new List<string>();
        for (bool more = cursor.SeekFirst(); more; more = cursor.Next()) { forward.Add($"{Text(cursor.Key)}={Text(cursor.Value)}"); }
        var backward = new List<string>();
        for (bool more = cursor.SeekLast(); more; more = cursor.Previous()) { backward.Add($"{Text(cursor.Key)}={Text(cursor.Value)}"); }
        backward.Reverse();
        string expected = string.Join(' ', model.Range(lower, upper));
        return Compare($"scan [{lower}, {upper})", string.Join(' ', forward), expected)
            ?? Compare($"scan back [{lower}, {upper})", string.Join(' ', backward), expected);
    }

    // What the filter's rule cuts; a shorter key is lengthened, or it would not be a prefix that the rule cuts from longer ones.
    private static string PrefixOf(ref string key)
    {
        key = key.PadRight(2, 'a');
        return key[..2];
    }

    private static string? Walk(SortedMap model, string lower, string upper, IReadOnlyList<string> steps, ICursor opened)
    {
        string[] expected = model.Range(lower, upper).ToArray();
        string[] keys = expected.Select(entry => entry[..entry.IndexOf('=', StringComparison.Ordinal)]).ToArray();
        using ICursor cursor = opened;
        int at = -1;
        string done = "";
        foreach (string step in steps)
        {
            string key = step[1..];
            int from = Array.FindIndex(keys, k => string.CompareOrdinal(k, key) >= 0);
            (bool moved, at) = step[0] switch
            {
                'f' => (cursor.SeekFirst(), keys.Length > 0 ? 0 : -1),
                'l' => (cursor.SeekLast(), keys.Length - 1),
                's' => (cursor.Seek(Bytes(key)), from),
                'b' => (cursor.SeekBefore(Bytes(key)), from < 0 ? keys.Length - 1 : from - 1),
                'n' => (cursor.Next(), at >= 0 && at + 1 < keys.Length ? at + 1 : -1),
                _ => (cursor.Previous(), at > 0 ? at - 1 : -1),
            };
            done = $"{done} {step}";
            string actual = moved ? $"{Text(cursor.Key)}={Text(cursor.Value)}" : "nothing";
            string? wrong = Compare($"walk [{lower}, {upper}){done}", actual, at >= 0 ? expected[at] : "nothing")
                ?? Compare($"walk's validity after{done}", $"{cursor.IsValid}", $"{at >= 0}");
            if (wrong is not null) { return wrong; }
        }

        return null;
    }

    private static string? Compare(string what, string? actual, string? expected) =>
        actual == expected ? null : $"{what} gave {actual ?? "nothing"}, the map gives {expected ?? "nothing"}";

    /// <summary>Keeps all, and checks what a filter is promised.</summary>
    private sealed class CheckingFilter : ICompactionFilter
    {
        private byte[]? _last;

        public bool Keep(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value, bool isBottommost)
        {
            Invariant.Holds(_last is null || key.SequenceCompareTo(_last) > 0, $"{Text(key)} comes after {Text(_last)}");
            _last = key.ToArray();
            return true;
        }
    }
}

/// <summary>The model: what an engine is, without anything that makes it fast or lasting.</summary>
internal sealed class SortedMap
{
    private readonly SortedDictionary<string, string> _entries = new(StringComparer.Ordinal);

    public void Put(string key, string value) => _entries[key] = value;

    public void Delete(string key) => _entries.Remove(key);

    public string? Get(string key) => _entries.GetValueOrDefault(key);

    public string? First(string prefix, string from) => _entries
        .Where(entry => string.CompareOrdinal(entry.Key, from) >= 0 && entry.Key.StartsWith(prefix, StringComparison.Ordinal))
        .Select(entry => $"{entry.Key}={entry.Value}").FirstOrDefault();

    public IEnumerable<string> Range(string lower, string upper) => _entries
        .Where(entry => string.CompareOrdinal(entry.Key, lower) >= 0 && (upper.Length == 0 || string.CompareOrdinal(entry.Key, upper) < 0))
        .Select(entry => $"{entry.Key}={entry.Value}");

    public SortedMap Copy()
    {
        var copy = new SortedMap();
        foreach ((string key, string value) in _entries) { copy.Put(key, value); }
        return copy;
    }
}
