using Quorate.StateMachines.KeyValue;

namespace Quorate.Settings;

/// <summary>A port for one keyspace: <c>NAME=URL</c>.</summary>
/// <param name="Keyspace">Its name; the keyspace need not exist yet.</param>
/// <param name="Url">Where its clients connect.</param>
internal sealed record KeyspaceListen(string Keyspace, ServerUrl Url)
{
    /// <summary>Reads one.</summary>
    /// <returns>What is wrong with it, as the end of a sentence that starts with the setting's name; null if nothing is.</returns>
    public static string? TryParse(string text, out KeyspaceListen? listen)
    {
        listen = null;
        int equals = text.IndexOf('=', StringComparison.Ordinal);
        if (equals <= 0) { return $"has '{text}', which is not NAME=http://host:port"; }
        string name = text[..equals];
        if (!KeyspaceRules.IsName(name))
        {
            return $"has '{name}'; a keyspace's name is 1 to {KeyspaceRules.MaxNameLength} of a-z, 0-9, '.', '-' and '_', a letter or digit first";
        }

        if (ServerUrl.TryParse(text[(equals + 1)..], out ServerUrl? url) is { } problem) { return problem; }
        listen = new KeyspaceListen(name, url!);
        return null;
    }
}
