using System.Collections.Immutable;
using System.Globalization;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace Quorate.Settings;

/// <summary>
/// etcd's <c>--config-file</c>: YAML whose keys are flags, those of TLS in two groups. As in etcd, flags and variables do not
/// count beside it, and times are numbers of nanoseconds (texts such as 10m are taken too).
/// </summary>
internal static class EtcdConfigFile
{
    private const int MaxBytes = 1024 * 1024;

    // Keys within a group, by what they are called as flags.
    private static readonly ImmutableDictionary<string, ImmutableDictionary<string, string>> Groups =
        new Dictionary<string, ImmutableDictionary<string, string>>
        {
            ["client-transport-security"] = Group(
                ("cert-file", "cert-file"), ("key-file", "key-file"), ("client-cert-file", "client-cert-file"),
                ("client-key-file", "client-key-file"), ("client-cert-auth", "client-cert-auth"), ("trusted-ca-file", "trusted-ca-file"),
                ("auto-tls", "auto-tls"), ("allowed-hostname", "client-cert-allowed-hostname")),
            ["peer-transport-security"] = Group(
                ("cert-file", "peer-cert-file"), ("key-file", "peer-key-file"), ("client-cert-file", "peer-client-cert-file"),
                ("client-key-file", "peer-client-key-file"), ("client-cert-auth", "peer-client-cert-auth"),
                ("trusted-ca-file", "peer-trusted-ca-file"), ("auto-tls", "peer-auto-tls"), ("allowed-cn", "peer-cert-allowed-cn"),
                ("allowed-hostname", "peer-cert-allowed-hostname"), ("skip-client-san-verification", "peer-skip-client-san-verification")),
            ["socket-options"] = Group(("reuse-port", "socket-reuse-port"), ("reuse-address", "socket-reuse-address")),
        }.ToImmutableDictionary();

    /// <summary>Reads a file.</summary>
    public static EtcdFlagsResult Read(string path)
    {
        var result = new EtcdFlagsResult([], [], [], false, false);
        try
        {
            var info = new FileInfo(path);
            if (info.Exists && info.Length > MaxBytes)
            {
                result.Problems.Add($"{path} has {info.Length} bytes; a configuration file has at most {MaxBytes}");
                return result;
            }

            ReadText(path, File.ReadAllText(path), result);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            result.Problems.Add($"{path} cannot be read: {e.Message}");
        }

        return result;
    }

    /// <summary>Reads YAML; JSON is YAML too.</summary>
    /// <param name="path">For messages.</param>
    /// <param name="text">The text.</param>
    /// <param name="result">Gets settings, warnings and problems.</param>
    public static void ReadText(string path, string text, EtcdFlagsResult result)
    {
        var yaml = new YamlStream();
        try
        {
            yaml.Load(new StringReader(text));
        }
        catch (YamlException e)
        {
            result.Problems.Add($"{path} line {e.Start.Line}: this is not YAML: {e.Message}");
            return;
        }

        if (yaml.Documents.Count == 0) { return; }
        if (yaml.Documents[0].RootNode is not YamlMappingNode root)
        {
            result.Problems.Add($"{path}: the file must be a list of 'flag: value' lines");
            return;
        }

        foreach ((YamlNode key, YamlNode value) in root.Children)
        {
            string name = key.ToString();
            if (!Groups.TryGetValue(name, out ImmutableDictionary<string, string>? group))
            {
                Take(path, name, name, key, value, result);
            }
            else if (value is YamlMappingNode entries)
            {
                foreach ((YamlNode inner, YamlNode innerValue) in entries.Children)
                {
                    Take(path, $"{name}.{inner}", group.GetValueOrDefault(inner.ToString(), ""), inner, innerValue, result);
                }
            }
            else if (!IsNothing(value))
            {
                result.Problems.Add($"{path} line {key.Start.Line}: {name} must be a group of settings");
            }
        }
    }

    private static void Take(string path, string name, string flag, YamlNode key, YamlNode value, EtcdFlagsResult result)
    {
        string writtenAs = $"{path} line {key.Start.Line}, {name}";
        if (IsNothing(value)) { return; }
        if (flag == "experimental-snapshot-catch-up-entries") { flag = "experimental-snapshot-catchup-entries"; } // So spelled in files only.
        if (!EtcdFlags.Knows(flag))
        {
            // etcd says nothing at all; a typo deserves a word.
            result.Warnings.Add($"{writtenAs} is no setting of etcd and has no effect");
            return;
        }

        string? text = Text(value);
        if (text is null) { result.Problems.Add($"{writtenAs} must be a text, a number, true or false, or a list of texts"); }
        else { EtcdFlags.Take(flag, IsNanoseconds(flag, text) ? text + "ns" : text, writtenAs, result); }
    }

    private static bool IsNanoseconds(string flag, string text) =>
        EtcdFlags.Setting(flag) is { Value: "time" } && long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out _);

    private static bool IsNothing(YamlNode value) => value is YamlScalarNode { Value: null or "" or "null" or "~" };

    private static string? Text(YamlNode value) => value switch
    {
        YamlScalarNode scalar => scalar.Value,
        YamlSequenceNode list when list.Children.All(c => c is YamlScalarNode) => string.Join(',', list.Children.Select(c => ((YamlScalarNode)c).Value)),
        _ => null,
    };

    private static ImmutableDictionary<string, string> Group(params (string Key, string Flag)[] keys) =>
        keys.ToImmutableDictionary(k => k.Key, k => k.Flag);
}
