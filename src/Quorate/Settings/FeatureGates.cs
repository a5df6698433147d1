using System.Collections.Immutable;

namespace Quorate.Settings;

/// <summary>etcd's <c>--feature-gates Name=true,Name=false</c>. Those that are settings here are set; the others change nothing.</summary>
internal static class FeatureGates
{
    /// <summary>The gates of etcd 3.6 that are switches of ours.</summary>
    public static readonly ImmutableSortedDictionary<string, SettingKey> Switches = new Dictionary<string, SettingKey>
    {
        ["CompactHashCheck"] = SettingKeys.CompactHashCheck,
        ["InitialCorruptCheck"] = SettingKeys.InitialCorruptCheck,
    }.ToImmutableSortedDictionary(StringComparer.Ordinal);

    /// <summary>The others, and why each has no effect.</summary>
    public static readonly ImmutableSortedDictionary<string, string> Known = new Dictionary<string, string>
    {
        ["AllAlpha"] = "name the gates one by one",
        ["AllBeta"] = "name the gates one by one",
        ["LeaseCheckpoint"] = "what is left of a lease is always replicated",
        ["LeaseCheckpointPersist"] = "what is left of a lease is always replicated",
        ["SetMemberLocalAddr"] = "members call from any address of theirs",
        ["StopGRPCServiceOnDefrag"] = "defragmentation stops nothing",
        ["TxnModeWriteWithSharedBuffer"] = "a transaction reads the state that it writes to",
    }.ToImmutableSortedDictionary(StringComparer.Ordinal);

    /// <summary>Judges a list of gates: a setting or a warning for each known one, a problem for what etcd would not take either.</summary>
    public static void Take(string value, string writtenAs, EtcdFlagsResult result)
    {
        foreach (string gate in value.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            string[] parts = gate.Split('=', 2);
            if (parts.Length < 2) { result.Problems.Add($"{writtenAs}: missing bool value for {parts[0]}"); }
            else if (!Switches.ContainsKey(parts[0]) && !Known.ContainsKey(parts[0])) { result.Problems.Add($"{writtenAs}: unrecognized feature gate: {parts[0]}"); }
            else if (!bool.TryParse(parts[1], out _)) { result.Problems.Add($"{writtenAs}: invalid value of {gate}; it must be true or false"); }
            else if (Switches.TryGetValue(parts[0], out SettingKey? key)) { result.Settings.Add(new RawSetting(key, parts[1], $"{writtenAs} {parts[0]}")); }
            else { result.Warnings.Add($"{writtenAs} {gate} has no effect: {Known[parts[0]]}"); }
        }
    }
}
