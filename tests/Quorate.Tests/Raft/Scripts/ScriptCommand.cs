using System.Globalization;
using Quorate.Core;
using Quorate.Raft;

namespace Quorate.Tests.Raft.Scripts;

/// <summary>One command line, taken apart: <c>name word word key=value key=(value value)</c>.</summary>
internal sealed class ScriptCommand
{
    private readonly List<string> _words;
    private readonly List<(string Key, string[] Values)> _options;
    private readonly HashSet<string> _used = [];

    private ScriptCommand(string text, List<string> words, List<(string Key, string[] Values)> options)
    {
        Text = text;
        _words = words;
        _options = options;
    }

    public string Text { get; }

    public string Name => _words[0];

    /// <summary>True if the output should be no more than `ok`: steps that only prepare what the script is about.</summary>
    public bool IsQuiet { get; private init; }

    /// <summary>All words after the name.</summary>
    public IReadOnlyList<string> Words => _words[1..];

    public static ScriptCommand Parse(string text)
    {
        List<string> words = [];
        List<(string Key, string[] Values)> options = [];
        foreach (string token in Tokens(text))
        {
            int equals = token.IndexOf('=', StringComparison.Ordinal);
            if (equals <= 0)
            {
                words.Add(token);
                continue;
            }

            string value = token[(equals + 1)..];
            string[] values = value.StartsWith('(')
                ? value.Trim('(', ')').Split(' ', StringSplitOptions.RemoveEmptyEntries)
                : [value];
            options.Add((token[..equals], values));
        }

        bool isQuiet = words.Remove("quiet");
        return new ScriptCommand(text, words, options) { IsQuiet = isQuiet };
    }

    /// <summary>The n-th word after the name, which is a replica.</summary>
    public ReplicaId Replica(int word) =>
        word + 1 < _words.Count ? ToReplica(_words[word + 1]) : throw Wrong($"a replica is missing as word {word + 1}");

    /// <summary>All words after the name, which are replicas.</summary>
    public ReplicaId[] Replicas() => [.. _words.Skip(1).Select(ToReplica)];

    public bool Has(string key) => Find(key) is not null;

    public ReplicaId[] Replicas(string key) => [.. (Find(key) ?? []).Select(ToReplica)];

    public ulong[] Numbers(string key) => [.. (Find(key) ?? []).Select(ToNumber)];

    public string? Word(string key) => Find(key)?.Single();

    public long Number(string key, long otherwise) =>
        Find(key) is [var only] ? checked((long)ToNumber(only)) : otherwise;

    public bool Flag(string key, bool otherwise) => Find(key) switch
    {
        null => otherwise,
        ["on"] => true,
        ["off"] => false,
        _ => throw Wrong($"{key} is `on` or `off`"),
    };

    /// <summary>The options of a membership change, in the order in which they were written.</summary>
    public IEnumerable<(MembershipStep Step, ReplicaId Replica)> Steps()
    {
        foreach ((string key, string[] values) in _options)
        {
            MembershipStep? step = key switch
            {
                "add-voter" => MembershipStep.AddVoter,
                "add-learner" => MembershipStep.AddLearner,
                "remove" => MembershipStep.Remove,
                _ => null,
            };
            if (step is null) { continue; }
            _used.Add(key);
            foreach (string value in values) { yield return (step.Value, ToReplica(value)); }
        }
    }

    /// <summary>Guards against a misspelt option that would change nothing and prove nothing.</summary>
    public void EnsureAllUsed()
    {
        foreach ((string key, _) in _options)
        {
            if (!_used.Contains(key)) { throw Wrong($"it does not know the option {key}"); }
        }
    }

    public ScriptException Wrong(string what) => new($"`{Text}`: {what}.");

    public ulong ToNumber(string text) =>
        ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out ulong value)
            ? value
            : throw Wrong($"{text} is not a number");

    private ReplicaId ToReplica(string text) => new(ToNumber(text));

    private string[]? Find(string key)
    {
        _used.Add(key);
        foreach ((string name, string[] values) in _options)
        {
            if (name == key) { return values; }
        }

        return null;
    }

    // Splits at spaces outside parentheses.
    private static IEnumerable<string> Tokens(string text)
    {
        int start = 0;
        int depth = 0;
        for (int i = 0; i <= text.Length; i++)
        {
            char c = i < text.Length ? text[i] : ' ';
            depth += c switch { '(' => 1, ')' => -1, _ => 0 };
            if (c != ' ' || (depth > 0 && i < text.Length)) { continue; }
            if (i > start) { yield return text[start..i]; }
            start = i + 1;
        }
    }
}
