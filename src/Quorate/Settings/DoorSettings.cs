using System.Collections.Immutable;
using System.Globalization;

namespace Quorate.Settings;

/// <summary>What the client door allows, what it compacts by itself, and how it is watched.</summary>
internal sealed record DoorSettings
{
    /// <summary>Largest write, in bytes.</summary>
    public int MaxRequestBytes { get; init; } = 1536 * 1024; // etcd's default.

    /// <summary>Most conditions, and most operations on either side, of a transaction.</summary>
    public int MaxTxnOps { get; init; } = 128; // etcd's default.

    /// <summary><c>simple</c>, or <c>jwt</c> with its options.</summary>
    public string AuthToken { get; init; } = "simple"; // etcd's default.

    /// <summary>How tokens are signed; null: they are simple ones.</summary>
    public JwtSetting? Jwt => JwtSetting.TryParse(AuthToken, out JwtSetting? jwt) is null ? jwt : null;

    /// <summary>Seconds that a token is good after its last use.</summary>
    public int AuthTokenSeconds { get; init; } = 300; // etcd's default.

    /// <summary>How much work a guess at a password is, as an exponent of 2.</summary>
    public int BcryptCost { get; init; } = 10; // etcd's default.

    /// <summary>Most requests in flight on one connection.</summary>
    public long MaxConcurrentStreams { get; init; } = 1000;

    /// <summary>Silence after which a client is asked whether it is there. Zero: it is never asked.</summary>
    public TimeSpan KeepAliveInterval { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>Time for its answer.</summary>
    public TimeSpan KeepAliveTimeout { get; init; } = TimeSpan.FromSeconds(20); // etcd's default.

    /// <summary><c>periodic</c> or <c>revision</c>.</summary>
    public string AutoCompactionMode { get; init; } = "periodic";

    /// <summary>A time, a number of hours, or a number of revisions. 0: there is no automatic compaction.</summary>
    public string AutoCompactionRetention { get; init; } = "0";

    /// <summary>Where only metrics and health are served.</summary>
    public ImmutableArray<ServerUrl> ListenMetricsUrls { get; init; } = [];

    /// <summary>Where only HTTP/1.1 is served. If there are some, the client URLs take only gRPC.</summary>
    public ImmutableArray<ServerUrl> ListenClientHttpUrls { get; init; } = [];

    /// <summary><c>basic</c> or <c>extensive</c>.</summary>
    public string Metrics { get; init; } = "basic";

    /// <summary>Origins for browsers. Empty, or one of them <c>*</c>: all.</summary>
    public ImmutableArray<string> Cors { get; init; } = [];

    /// <summary>Names for unencrypted HTTP. Empty, or one of them <c>*</c>: all.</summary>
    public ImmutableArray<string> HostWhitelist { get; init; } = [];

    /// <summary>Least level of lines.</summary>
    public string LogLevel { get; init; } = "info";

    /// <summary><c>stderr</c>, <c>stdout</c>, <c>default</c>, or paths.</summary>
    public ImmutableArray<string> LogOutputs { get; init; } = ["default"];

    /// <summary><c>text</c>, <c>json</c> or <c>console</c>.</summary>
    public string LogFormat { get; init; } = "text";

    /// <summary>What is listened on besides client and peer URLs.</summary>
    public IEnumerable<(SettingKey Key, ImmutableArray<ServerUrl> Urls)> OtherUrls =>
        [(SettingKeys.ListenMetricsUrls, ListenMetricsUrls), (SettingKeys.ListenClientHttpUrls, ListenClientHttpUrls)];

    /// <summary>How long history is kept; zero: for ever, or it goes by number.</summary>
    public TimeSpan RetentionTime =>
        AutoCompactionMode == "periodic" && ParsedRetention is (_, { } time) ? time : TimeSpan.Zero;

    /// <summary>How many revisions are kept; zero: all, or it goes by time.</summary>
    public long RetentionRevisions =>
        AutoCompactionMode == "revision" && ParsedRetention is ({ } count, _) ? count : 0;

    /// <summary>The retention as a number and as a time; null if it is not of the mode. A bare number means hours (etcd).</summary>
    public (long? Count, TimeSpan? Time)? ParsedRetention
    {
        get
        {
            bool isNumber = long.TryParse(AutoCompactionRetention, NumberStyles.None, CultureInfo.InvariantCulture, out long number);
            if (AutoCompactionMode == "revision") { return isNumber ? (number, null) : null; }
            if (isNumber) { return number <= 1_000_000 ? (null, TimeSpan.FromHours(number)) : null; }
            return GoDuration.TryParse(AutoCompactionRetention, out TimeSpan time) ? (null, time) : null;
        }
    }
}

/// <summary>What is wrong in <see cref="DoorSettings"/>. Looks at nothing but the settings.</summary>
internal static class DoorRules
{
    // The node's own limit on commands.
    private const int MostRequestBytes = 16 * 1024 * 1024;

    /// <summary>What is wrong, in the operator's words.</summary>
    public static IEnumerable<string> Problems(ServerSettings settings)
    {
        DoorSettings door = settings.Door;
        string Written(SettingKey key) => settings.Written(key);
        if (door.MaxRequestBytes is < 1024 or > MostRequestBytes)
        {
            yield return $"{Written(SettingKeys.MaxRequestBytes)} is {door.MaxRequestBytes}; it must be 1024 to {MostRequestBytes}.";
        }

        if (JwtSetting.TryParse(door.AuthToken, out _) is { } defect)
        {
            yield return $"{Written(SettingKeys.AuthToken)} is '{door.AuthToken}': {defect}.";
        }

        if (door.AuthTokenSeconds is < 1 or > 31_536_000)
        {
            yield return $"{Written(SettingKeys.AuthTokenTtl)} is {door.AuthTokenSeconds}; it must be 1 to 31536000 seconds.";
        }

        if (door.BcryptCost is < 4 or > 20) { yield return $"{Written(SettingKeys.BcryptCost)} is {door.BcryptCost}; it must be 4 to 20."; }
        if (door.MaxTxnOps is < 1 or > 10_000) { yield return $"{Written(SettingKeys.MaxTxnOps)} is {door.MaxTxnOps}; it must be 1 to 10000."; }
        if (door.MaxConcurrentStreams is < 1 or > uint.MaxValue)
        {
            yield return $"{Written(SettingKeys.MaxConcurrentStreams)} is {door.MaxConcurrentStreams}; it must be 1 to {uint.MaxValue}.";
        }

        // Kestrel's least is a second for both.
        if (door.KeepAliveInterval != TimeSpan.Zero && door.KeepAliveInterval < TimeSpan.FromSeconds(1))
        {
            yield return $"{Written(SettingKeys.KeepAliveInterval)} is {door.KeepAliveInterval}; it must be 0 or at least 1s.";
        }

        if (door.KeepAliveTimeout < TimeSpan.FromSeconds(1))
        {
            yield return $"{Written(SettingKeys.KeepAliveTimeout)} is {door.KeepAliveTimeout}; the least is 1s.";
        }

        foreach (string problem in Choices(door, Written)) { yield return problem; }
        if (door.ParsedRetention is not { } retention)
        {
            yield return $"{Written(SettingKeys.AutoCompactionRetention)} is '{door.AutoCompactionRetention}'; " +
                (door.AutoCompactionMode == "revision" ? "in mode revision it must be a number of revisions." : "it must be a time such as 10m, or a number of hours.");
        }
        else if (retention.Time is { } time && time > TimeSpan.Zero && (time < TimeSpan.FromSeconds(1) || time > TimeSpan.FromDays(3650)))
        {
            yield return $"{Written(SettingKeys.AutoCompactionRetention)} is {time}; it must be 0 or 1s to ten years.";
        }

        foreach ((SettingKey key, ImmutableArray<ServerUrl> urls) in settings.OtherUrls)
        {
            if (urls.FirstOrDefault(u => u.IsTls) is { } url && settings.ClientTls is { HasFiles: false, Auto: false })
            {
                yield return $"{Written(key)} has '{url}', but there is no certificate; give {Written(SettingKeys.CertFile)} and {Written(SettingKeys.KeyFile)}.";
            }
        }

        if (!door.ListenClientHttpUrls.IsEmpty && settings.ListenClientUrls.Any(u => u.IsTls) != door.ListenClientHttpUrls.Any(u => u.IsTls))
        {
            yield return $"{Written(SettingKeys.ListenClientHttpUrls)} and {Written(SettingKeys.ListenClientUrls)} must be both http or both https, as in etcd.";
        }
    }

    private static IEnumerable<string> Choices(DoorSettings door, Func<SettingKey, string> written)
    {
        (SettingKey Key, string Value, string[] Allowed)[] choices =
        [
            (SettingKeys.AutoCompactionMode, door.AutoCompactionMode, ["periodic", "revision"]),
            (SettingKeys.Metrics, door.Metrics, ["basic", "extensive"]),
            (SettingKeys.LogLevel, door.LogLevel, ["debug", "info", "warn", "error", "dpanic", "panic", "fatal"]),
            (SettingKeys.LogFormat, door.LogFormat, ["text", "json", "console"]),
        ];
        foreach ((SettingKey key, string value, string[] allowed) in choices)
        {
            if (!allowed.Contains(value)) { yield return $"{written(key)} is '{value}'; it must be {string.Join(", ", allowed[..^1])} or {allowed[^1]}."; }
        }

        if (door.LogOutputs.IsEmpty) { yield return $"{written(SettingKeys.LogOutputs)} is empty; name stderr, stdout or a file."; }
        if (door.LogOutputs.Length > 1 && door.LogOutputs.Contains("default"))
        {
            yield return $"{written(SettingKeys.LogOutputs)} has 'default' beside others, which etcd does not take either; write stderr.";
        }
    }
}
