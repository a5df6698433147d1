using Quorate.FrontDoors.Etcd;

namespace Quorate.Settings;

/// <summary><c>--auth-token jwt,pub-key=PATH,priv-key=PATH,sign-method=NAME,ttl=TIME</c>, as etcd has it.</summary>
/// <param name="Method">How tokens are signed.</param>
/// <param name="PublicKey">A file; null: there is none.</param>
/// <param name="PrivateKey">A file; null: tokens are made elsewhere.</param>
/// <param name="Life">How long a token is good.</param>
internal sealed record JwtSetting(string Method, string? PublicKey, string? PrivateKey, TimeSpan Life)
{
    /// <summary>Reads the setting.</summary>
    /// <returns>What is wrong with it; null if nothing is. No setting and nothing wrong: tokens are simple ones.</returns>
    public static string? TryParse(string text, out JwtSetting? setting)
    {
        setting = null;
        string[] parts = text.Split(',');
        if (parts[0] == "simple") { return parts.Length == 1 ? null : "simple takes no options"; }
        if (parts[0] != "jwt") { return "the kinds are simple and jwt"; }
        var given = new Dictionary<string, string>();
        foreach (string part in parts[1..])
        {
            if (part.Split('=', 2) is not [{ } name, { Length: > 0 } value]) { return $"'{part}' is not of the form name=value"; }
            if (name is not ("sign-method" or "pub-key" or "priv-key" or "ttl")) { return $"there is no option '{name}'; there are sign-method, pub-key, priv-key and ttl"; }
            if (!given.TryAdd(name, value)) { return $"{name} is there twice"; }
        }

        if (given.GetValueOrDefault("sign-method") is not { } method) { return "sign-method is missing"; }
        if (method == "EdDSA") { return "there is no EdDSA in this version of .NET; take ES256"; }
        if (!JwtKey.Methods.Contains(method)) { return $"sign-method is '{method}'; it must be one of {string.Join(", ", JwtKey.Methods)}"; }
        TimeSpan life = TimeSpan.FromMinutes(5); // etcd's default.
        if (given.GetValueOrDefault("ttl") is { } ttl && (!GoDuration.TryParse(ttl, out life) || life < TimeSpan.FromSeconds(1) || life > TimeSpan.FromDays(365)))
        {
            return $"ttl is '{ttl}'; it must be a time such as 10m, 1s to 365 days";
        }

        setting = new JwtSetting(method, given.GetValueOrDefault("pub-key"), given.GetValueOrDefault("priv-key"), life);
        return null;
    }

    /// <summary>Reads the files.</summary>
    /// <exception cref="ArgumentException">They are not what the method needs.</exception>
    /// <exception cref="IOException">One cannot be read.</exception>
    public SignedTokens Open() => new(
        JwtKey.Create(Method, PublicKey is null ? null : File.ReadAllBytes(PublicKey), PrivateKey is null ? null : File.ReadAllBytes(PrivateKey)), Life);
}
