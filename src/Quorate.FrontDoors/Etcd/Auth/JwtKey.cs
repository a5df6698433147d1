using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Quorate.FrontDoors.Etcd;

/// <summary>A key, and the one method that it is used with (RFC 7518, 3.1). Any thread.</summary>
public sealed class JwtKey : IDisposable
{
    private readonly Lock _gate = new(); // .NET promises nothing of one key on two threads.
    private readonly HashAlgorithmName _hash;
    private readonly AsymmetricAlgorithm? _pair;
    private readonly byte[] _secret = [];

    private JwtKey(string method, AsymmetricAlgorithm? pair, byte[] secret, bool canSign)
    {
        (Method, _pair, _secret, CanSign) = (method, pair, secret, canSign);
        _hash = method[2..] switch { "256" => HashAlgorithmName.SHA256, "384" => HashAlgorithmName.SHA384, _ => HashAlgorithmName.SHA512 };
    }

    /// <summary>All methods that there are.</summary>
    public static IReadOnlyList<string> Methods { get; } =
        ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "HS256", "HS384", "HS512"];

    /// <summary>One of <see cref="Methods"/>.</summary>
    public string Method { get; }

    /// <summary>False if there is a public key only.</summary>
    public bool CanSign { get; }

    /// <summary>Makes a key of what files hold, as etcd reads them: PEM, a certificate too; for HS the bytes of the private key's file as they are.</summary>
    /// <param name="method">One of <see cref="Methods"/>.</param>
    /// <param name="publicKey">Null: there is none.</param>
    /// <param name="privateKey">Null: there is none; tokens are verified only.</param>
    /// <exception cref="ArgumentException">They are missing, of another kind, or no pair; the message says which.</exception>
    public static JwtKey Create(string method, byte[]? publicKey, byte[]? privateKey)
    {
        if (!Methods.Contains(method)) { throw new ArgumentException($"sign-method '{method}' is not one of {string.Join(", ", Methods)}"); }
        if (method[0] == 'H')
        {
            return privateKey is { Length: > 0 }
                ? new JwtKey(method, null, privateKey, canSign: true)
                : throw new ArgumentException($"{method} needs priv-key, a file with the secret");
        }

        if (publicKey is null && privateKey is null) { throw new ArgumentException($"{method} needs pub-key, priv-key or both"); }
        AsymmetricAlgorithm? pub = publicKey is null ? null : Read(method, publicKey, "pub-key");
        AsymmetricAlgorithm? pair = privateKey is null ? null : Read(method, privateKey, "priv-key");
        if (pair is not null && !HasPrivate(pair)) { throw new ArgumentException("priv-key has no private key"); }
        if (pub is not null && pair is not null && !pub.ExportSubjectPublicKeyInfo().AsSpan().SequenceEqual(pair.ExportSubjectPublicKeyInfo()))
        {
            throw new ArgumentException("pub-key and priv-key do not belong together");
        }

        // Curves are part of the method; so is the least of RSA (RFC 7518, 3.3).
        int bits = (pair ?? pub)!.KeySize;
        bool fits = method switch { "ES256" => bits == 256, "ES384" => bits == 384, "ES512" => bits == 521, _ => bits >= 2048 };
        return fits ? new JwtKey(method, pair ?? pub, [], pair is not null) : throw new ArgumentException($"a key of {bits} bits is not for {method}");
    }

    /// <summary>The signature of some bytes.</summary>
    public byte[] Sign(byte[] bytes)
    {
        lock (_gate)
        {
            return _pair switch
            {
                RSA rsa => rsa.SignData(bytes, _hash, Padding),
                ECDsa curve => curve.SignData(bytes, _hash, DSASignatureFormat.IeeeP1363FixedFieldConcatenation),
                _ => CryptographicOperations.HmacData(_hash, _secret, bytes),
            };
        }
    }

    /// <summary>True if that is a signature of these bytes.</summary>
    public bool IsSignature(byte[] bytes, byte[] signature)
    {
        lock (_gate)
        {
            return _pair switch
            {
                RSA rsa => rsa.VerifyData(bytes, signature, _hash, Padding),
                ECDsa curve => curve.VerifyData(bytes, signature, _hash, DSASignatureFormat.IeeeP1363FixedFieldConcatenation),
                _ => CryptographicOperations.FixedTimeEquals(CryptographicOperations.HmacData(_hash, _secret, bytes), signature),
            };
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _pair?.Dispose();

    private RSASignaturePadding Padding => Method[0] == 'P' ? RSASignaturePadding.Pss : RSASignaturePadding.Pkcs1;

    private static AsymmetricAlgorithm Read(string method, byte[] file, string name)
    {
        string pem = System.Text.Encoding.UTF8.GetString(file);
        bool isCurve = method[0] == 'E';
        try
        {
            if (pem.Contains("BEGIN CERTIFICATE", StringComparison.Ordinal))
            {
                using X509Certificate2 certificate = X509Certificate2.CreateFromPem(pem);
                return (isCurve ? (AsymmetricAlgorithm?)certificate.GetECDsaPublicKey() : certificate.GetRSAPublicKey())
                    ?? throw new ArgumentException($"{name} is a certificate of another kind of key than {method} needs");
            }

            AsymmetricAlgorithm key = isCurve ? ECDsa.Create() : RSA.Create();
            key.ImportFromPem(pem);
            return key;
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException)
        {
            throw new ArgumentException($"{name} is no key for {method}: {e.Message}", e);
        }
    }

    private static bool HasPrivate(AsymmetricAlgorithm key)
    {
        try
        {
            key.ExportPkcs8PrivateKey();
            return true;
        }
        catch (CryptographicException)
        {
            return false;
        }
    }
}
