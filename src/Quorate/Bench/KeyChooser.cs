using Quorate.Core;

namespace Quorate.Bench;

/// <summary>Which keys a load asks for.</summary>
internal enum KeyDistribution
{
    /// <summary>All alike.</summary>
    Uniform,

    /// <summary>A few much more than the others, spread over all keys.</summary>
    Zipfian,

    /// <summary>Those inserted last much more than the others.</summary>
    Latest,

    /// <summary>One after the other, each once before any comes again.</summary>
    Sequential,
}

/// <summary>Numbers of the keys that exist, with those that a load inserts; shared by its connections.</summary>
/// <param name="first">Keys that exist already: 0 to this.</param>
internal sealed class KeySpace(uint first)
{
    private readonly Lock _lock = new();
    private readonly SortedSet<uint> _early = [];
    private uint _next = first;
    private volatile uint _readable = first;

    /// <summary>All keys below it are there.</summary>
    public uint Readable => _readable;

    /// <summary>The number of the next key to insert.</summary>
    public uint Next
    {
        get { lock (_lock) { return _next; } }
    }

    /// <summary>Takes a number for a key to insert.</summary>
    public uint Take()
    {
        lock (_lock) { return _next++; }
    }

    /// <summary>An insert has ended. One that failed counts too: else no later key would ever be read.</summary>
    public void Inserted(uint key)
    {
        lock (_lock)
        {
            // Only once all before it are there may it be read.
            _early.Add(key);
            while (_early.Remove(_readable)) { _readable++; }
        }
    }
}

/// <summary>Draws keys for one connection.</summary>
internal sealed class KeyChooser
{
    private readonly KeyDistribution _distribution;
    private readonly Prng _random;
    private readonly KeySpace _space;
    private readonly Zipfian? _zipfian;
    private readonly uint _keys;
    private readonly uint _first;
    private readonly uint _step;
    private uint _next;

    /// <summary>Creates the draw.</summary>
    /// <param name="plan">How many keys, in what distribution, over how many connections.</param>
    /// <param name="zipfian">Over the plan's keys, shared; null if the distribution needs none.</param>
    /// <param name="space">The keys that exist.</param>
    /// <param name="connection">0 to the number of connections.</param>
    /// <param name="random">The connection's own.</param>
    public KeyChooser(BenchPlan plan, Zipfian? zipfian, KeySpace space, int connection, Prng random)
    {
        _distribution = plan.Distribution;
        _random = random;
        _space = space;
        _zipfian = zipfian;
        _keys = (uint)plan.Keys;
        _step = (uint)plan.Connections;
        _next = _first = (uint)(connection % plan.Keys);
    }

    /// <summary>A key that exists, if all were written that the plan names.</summary>
    public uint Next()
    {
        switch (_distribution)
        {
            case KeyDistribution.Zipfian: return (uint)(Zipfian.Scramble(_zipfian!.Next(_random)) % _keys);
            case KeyDistribution.Latest: return _space.Readable - 1 - (uint)_zipfian!.Next(_random);
            case KeyDistribution.Sequential:
                uint key = _next;
                _next = key + _step < _keys ? key + _step : _first;
                return key;
            default: return (uint)_random.Below((int)_keys);
        }
    }
}
