namespace Quorate.StateMachines.KeyValue;

/// <summary>What a keyspace must satisfy whatever the state is.</summary>
public static class KeyspaceRules
{
    /// <summary>The keyspace that every cluster has: the first shard. Nobody creates or deletes it.</summary>
    public const string DefaultName = "default";

    /// <summary>Longest name, as a label of the DNS.</summary>
    public const int MaxNameLength = 63;

    /// <summary>Most keyspaces beside the default one. Our own choice: each costs memory and a little time on every node, also when it is idle.</summary>
    public const int MaxKeyspaces = 1000;

    /// <summary>
    /// True for 1 to <see cref="MaxNameLength"/> of a-z, 0-9, dot, dash and underscore, a letter or digit first: good in a URL's path,
    /// a header and a certificate as it is, and no two names differ by case alone.
    /// </summary>
    public static bool IsName(ReadOnlySpan<char> name)
    {
        if (name.Length is 0 or > MaxNameLength || !IsLetterOrDigit(name[0])) { return false; }
        foreach (char c in name)
        {
            if (!IsLetterOrDigit(c) && c is not ('.' or '-' or '_')) { return false; }
        }

        return true;
    }

    private static bool IsLetterOrDigit(char c) => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c);
}
