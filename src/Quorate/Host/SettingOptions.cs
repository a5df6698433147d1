using System.CommandLine;
using Quorate.Cli;
using Quorate.Settings;

namespace Quorate.Host;

/// <summary>All settings of a server as options of a verb; variables and the file of <c>--config</c> count too.</summary>
internal sealed class SettingOptions
{
    private readonly Option<string?> _config = new("--config")
    {
        Description = "JSON file with the same settings in camelCase: { \"name\": \"a\", \"dataDir\": \"/var/lib/a\" }. "
            + "Also QUORATE_CONFIG.",
        HelpName = "file",
    };

    private readonly List<(SettingKey Key, Option<string?> Option)> _flags = [];

    public SettingOptions()
    {
        foreach (SettingKey key in SettingKeys.All)
        {
            var option = new Option<string?>("--" + key.Flag) { Description = key.Help, HelpName = key.Value };
            if (key.IsSwitch) { option.Arity = ArgumentArity.ZeroOrOne; }
            if (key.IsRepeatable)
            {
                option.Arity = ArgumentArity.OneOrMore;
                option.CustomParser = static given => string.Join(',', given.Tokens.Select(token => token.Value));
            }

            _flags.Add((key, option));
        }
    }

    /// <summary>Adds the options.</summary>
    public void AddTo(Verb verb)
    {
        verb.Add(_config);
        foreach ((SettingKey _, Option<string?> option) in _flags) { verb.Add(option); }
    }

    /// <summary>Flags win over variables, variables over the file.</summary>
    public ServerSettings Read(ParseResult parsed, List<string> problems)
    {
        List<RawSetting> given = [.. _flags
            .Where(f => parsed.GetResult(f.Option) is { Implicit: false })
            .Select(f => new RawSetting(f.Key, parsed.GetValue(f.Option) ?? "", "--" + f.Key.Flag))];
        IReadOnlyDictionary<string, string> environment = StartCommand.EnvironmentNow();
        List<RawSetting> variables = SettingsBuilder.FromEnvironment(environment, problems);
        string? file = parsed.GetValue(_config) ?? environment.GetValueOrDefault("QUORATE_CONFIG");
        List<RawSetting> keys = string.IsNullOrEmpty(file) ? [] : JsonSettings.FromFile(file, problems);
        return SettingsBuilder.Build(SettingsDefaults.Start, problems, given, variables, keys);
    }
}
