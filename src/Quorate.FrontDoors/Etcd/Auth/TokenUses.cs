using System.Security.Cryptography;

namespace Quorate.FrontDoors.Etcd;

/// <summary>
/// Which tokens were used here, so that those in use are renewed from time to time, and not with each request. Any thread.
/// </summary>
internal sealed class TokenUses
{
    // Tokens remembered before those that were not used for long are looked for.
    private const int FewTokens = 1024;

    private readonly Lock _gate = new();
    private readonly Dictionary<UInt128, long> _renewed = [];
    private readonly long _interval;
    private int _mostBeforeSweep = FewTokens;

    /// <param name="life">How long a token is to be good after its last use.</param>
    public TokenUses(TimeSpan life)
    {
        _interval = (long)life.TotalMilliseconds / 4;
        LifeMilliseconds = (long)life.TotalMilliseconds + _interval;
    }

    /// <summary>What a token is given when it is made or renewed: its life, and the time in which a use does not renew it.</summary>
    public long LifeMilliseconds { get; }

    /// <summary>Notes a use.</summary>
    /// <returns>True if the caller is to renew the token.</returns>
    public bool IsRenewalDue(ReadOnlySpan<byte> hash, long milliseconds)
    {
        UInt128 key = KeyOf(hash);
        lock (_gate)
        {
            if (_renewed.TryGetValue(key, out long last) && milliseconds - last < _interval) { return false; }
            Sweep(milliseconds);
            _renewed[key] = milliseconds;
            return true;
        }
    }

    /// <summary>The renewal came to nothing: the next use tries again, after a second.</summary>
    public void Failed(ReadOnlySpan<byte> hash, long milliseconds)
    {
        lock (_gate) { _renewed[KeyOf(hash)] = milliseconds - Math.Max(0, _interval - 1000); }
    }

    /// <summary>What is kept of a token. It has 256 random bits, so a plain hash tells nothing of it.</summary>
    public static byte[] HashOf(string token) => SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(token));

    // Half of a hash is as good a key as the whole.
    private static UInt128 KeyOf(ReadOnlySpan<byte> hash) => System.Buffers.Binary.BinaryPrimitives.ReadUInt128LittleEndian(hash);

    private void Sweep(long milliseconds)
    {
        if (_renewed.Count < _mostBeforeSweep) { return; }
        foreach ((UInt128 key, long last) in _renewed)
        {
            if (milliseconds - last > LifeMilliseconds) { _renewed.Remove(key); }
        }

        _mostBeforeSweep = Math.Max(FewTokens, _renewed.Count * 2);
    }
}
