using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Quorate.FrontDoors.Etcd;

/// <summary>
/// What is stored of a password: kind u8 (1: PBKDF2 with HMAC-SHA-256) | iterations u32 little-endian | salt, 16 bytes | derived key, 32 bytes.
/// Each has its own iterations, so those made with another cost stay good.
/// </summary>
internal static class PasswordHash
{
    /// <summary>Longest password in bytes, as bcrypt's, so that a cluster of etcd can take it too.</summary>
    public const int MaxPasswordBytes = 72;

    private const byte Kind = 1;
    private const int SaltBytes = 16;
    private const int KeyBytes = 32;
    private const int Bytes = 1 + 4 + SaltBytes + KeyBytes;

    // Cost 10 so has the 600,000 iterations that OWASP's "Password Storage Cheat Sheet" asks for.
    private const int IterationsAtCostZero = 600;

    /// <param name="password">The password.</param>
    /// <param name="cost">At most <see cref="EtcdAuthOptions.MaxPasswordCost"/>.</param>
    public static byte[] Make(string password, int cost)
    {
        byte[] hash = new byte[Bytes];
        int iterations = IterationsAtCostZero << cost;
        hash[0] = Kind;
        BinaryPrimitives.WriteInt32LittleEndian(hash.AsSpan(1), iterations);
        RandomNumberGenerator.Fill(hash.AsSpan(5, SaltBytes));
        Derive(password, hash, iterations, hash.AsSpan(5 + SaltBytes));
        return hash;
    }

    /// <summary>True if the hash was made of that password. Takes as long for a wrong one.</summary>
    public static bool IsOf(ReadOnlySpan<byte> hash, string password)
    {
        if (hash.Length != Bytes || hash[0] != Kind) { return false; }
        Span<byte> key = stackalloc byte[KeyBytes];
        Derive(password, hash, BinaryPrimitives.ReadInt32LittleEndian(hash[1..]), key);
        return CryptographicOperations.FixedTimeEquals(key, hash[(5 + SaltBytes)..]);
    }

    private static void Derive(string password, ReadOnlySpan<byte> hash, int iterations, Span<byte> key) =>
        Rfc2898DeriveBytes.Pbkdf2(password, hash.Slice(5, SaltBytes), key, iterations, HashAlgorithmName.SHA256);
}
