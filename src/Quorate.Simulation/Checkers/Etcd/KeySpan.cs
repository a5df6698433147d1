namespace Quorate.Simulation.Checkers.Etcd;

/// <summary>The keys that a request names: one key, or all from <paramref name="Key"/> up to but without <paramref name="End"/>.</summary>
/// <param name="Key">The key, or the first of them.</param>
/// <param name="End">Null for the one key; "\0" for all keys from the first one on.</param>
internal readonly record struct KeySpan(string Key, string? End)
{
    private const string Open = "\0";

    /// <summary>True if this names one key, which need not exist.</summary>
    public bool IsSingle => End is null;

    /// <summary>True if the key is among them.</summary>
    public bool Contains(string key) => End switch
    {
        null => key == Key,
        Open => string.CompareOrdinal(key, Key) >= 0,
        _ => string.CompareOrdinal(key, Key) >= 0 && string.CompareOrdinal(key, End) < 0,
    };

    /// <summary>The part of sorted keys that is among them.</summary>
    /// <param name="keys">Sorted by code unit, without duplicates.</param>
    public (int From, int To) Among(string[] keys)
    {
        int from = Find(keys, Key);
        int to = End switch
        {
            null => from < keys.Length && keys[from] == Key ? from + 1 : from,
            Open => keys.Length,
            _ => Math.Max(from, Find(keys, End)),
        };
        return (from, to);
    }

    /// <inheritdoc/>
    public override string ToString() => End switch { null => Key, Open => $"{Key}..", _ => $"{Key}..{End}" };

    private static int Find(string[] keys, string key)
    {
        int found = Array.BinarySearch(keys, key, StringComparer.Ordinal);
        return found >= 0 ? found : ~found;
    }
}
