using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Quorate.Core;

namespace Quorate.FrontDoors.Etcd;

/// <summary>
/// Tokens that say themselves whom they are of: JSON Web Tokens (RFC 7519) with etcd's claims, username, revision and exp. Any member that has
/// the key takes those of any other; nothing of them is stored. One is good at the one revision of users and roles that it names. Any thread.
/// </summary>
/// <remarks>A token of another keyspace than the first says so, in a claim of ours, shard: users of that name may be somebody else elsewhere.</remarks>
public sealed class SignedTokens : IDisposable
{
    // That of the default keyspace, whose tokens are etcd's.
    private static readonly ShardId FirstShard = new(1);

    private readonly JwtKey _key;
    private readonly byte[] _header;
    private readonly TimeSpan _life;

    /// <param name="key">Signs and verifies. Disposed of with this.</param>
    /// <param name="life">How long a token is good, from when it is made.</param>
    public SignedTokens(JwtKey key, TimeSpan life)
    {
        _key = key;
        _life = life;
        _header = Encode(JsonSerializer.SerializeToUtf8Bytes(new Dictionary<string, string> { ["alg"] = key.Method, ["typ"] = "JWT" }));
    }

    /// <summary>False if there is a public key only: then tokens are made elsewhere.</summary>
    public bool CanSign => _key.CanSign;

    /// <summary>Makes a token.</summary>
    /// <param name="shard">The keyspace's.</param>
    /// <param name="user">Whose it is.</param>
    /// <param name="revision">Of users and roles.</param>
    /// <param name="now">The wall clock's time.</param>
    public string Sign(ShardId shard, string user, long revision, DateTimeOffset now)
    {
        var claims = new Dictionary<string, object> { ["username"] = user, ["revision"] = revision, ["exp"] = (now + _life).ToUnixTimeSeconds() };
        if (shard != FirstShard) { claims["shard"] = shard.Value; }
        byte[] signed = [.. _header, (byte)'.', .. Encode(JsonSerializer.SerializeToUtf8Bytes(claims))];
        return $"{Encoding.ASCII.GetString(signed)}.{Encoding.ASCII.GetString(Encode(_key.Sign(signed)))}";
    }

    /// <summary>Whose token that is, and of which revision; null if it is none of ours, or not now.</summary>
    /// <param name="shard">The keyspace that is asked.</param>
    /// <param name="token">What somebody sent.</param>
    /// <param name="now">The wall clock's time.</param>
    public (string User, long Revision)? Verify(ShardId shard, string token, DateTimeOffset now)
    {
        string[] parts = token.Split('.', 4);
        if (parts.Length != 3) { return null; }
        try
        {
            byte[] signed = Encoding.ASCII.GetBytes($"{parts[0]}.{parts[1]}");
            byte[] signature = Base64Url.DecodeFromChars(parts[2]);

            // The last character may have bits that mean nothing; still, a token has one text.
            bool isExact = Base64Url.EncodeToString(signature) == parts[2];
            return isExact && HasOurHeader(Base64Url.DecodeFromChars(parts[0])) && _key.IsSignature(signed, signature)
                ? Claims(shard, Base64Url.DecodeFromChars(parts[1]), now)
                : null;
        }
        catch (Exception e) when (e is FormatException or JsonException or CryptographicException)
        {
            return null;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _key.Dispose();

    private static byte[] Encode(ReadOnlySpan<byte> bytes) => Base64Url.EncodeToUtf8(bytes);

    // The method is ours to say, never the token's: it must only agree (RFC 8725, 3.1).
    private bool HasOurHeader(byte[] json)
    {
        using JsonDocument header = Parse(json);
        return header.RootElement.ValueKind == JsonValueKind.Object
            && Text(header.RootElement, "alg") == _key.Method
            && !header.RootElement.TryGetProperty("crit", out _);
    }

    private static (string User, long Revision)? Claims(ShardId shard, byte[] json, DateTimeOffset now)
    {
        using JsonDocument document = Parse(json);
        JsonElement claims = document.RootElement;
        if (claims.ValueKind != JsonValueKind.Object || Text(claims, "username") is not { Length: > 0 } user) { return null; }
        if (Number(claims, "revision") is not { } revision || revision < 0 || revision > long.MaxValue / 2 || revision != Math.Floor(revision)) { return null; }
        double seconds = now.ToUnixTimeMilliseconds() / 1000.0;
        bool isOver = claims.TryGetProperty("exp", out _) && !(Number(claims, "exp") > seconds);
        bool isEarly = claims.TryGetProperty("nbf", out _) && !(Number(claims, "nbf") <= seconds);
        ulong of = claims.TryGetProperty("shard", out JsonElement claim) ? claim.ValueKind == JsonValueKind.Number && claim.TryGetUInt64(out ulong id) ? id : 0 : FirstShard.Value;
        return isOver || isEarly || of != shard.Value ? null : (user, (long)revision);
    }

    private static JsonDocument Parse(byte[] json) => JsonDocument.Parse(json, new JsonDocumentOptions { AllowDuplicateProperties = false, MaxDepth = 8 });

    private static string? Text(JsonElement element, string name) =>
        element.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    private static double? Number(JsonElement element, string name) =>
        element.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out double number) ? number : null;
}
