using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using Quorate.Core;
using Quorate.FrontDoors.Etcd;
using Quorate.Settings;
using Xunit;

namespace Quorate.Tests.FrontDoors;

// Goal: signed tokens are those of RFC 7519 that other tools make, and nothing that was not signed with the key, by its method, for this keyspace and time, is one.
public class SignedTokensTests
{
    // The keys and the tokens were made with openssl: alice, revision 7, good until 2033.
    private const string RsaPublic = """
        -----BEGIN PUBLIC KEY-----
        MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEApYpRjTDy2nY7KqzBf3RG
        ieVHj6ltkTd3ok5qRtMRyJ9PyY0XzTb6da1f9lEp3UAe2RcQYveg8/QOwxN6kpU9
        njcuEANZdrOAkl53p5mfy5HwvHJVDUpfY5/KPYqMdfBbHCNvjdSlL41PDjhIbMT1
        atGK/uGekxVveVmMxpaSgDQ9UScnNpK9hGKe8kU21usMakSip3+3lSKbBZRl53GE
        Tld4At8QzKgjJnxt4ccFJ4eoA7VX3aQ3DS3LxSBlofkeOEN2C156IFRDC0fdbth5
        Ek1LVfIVmtJT8uyUejRoNsrSGxSNH/SbpjYtvlkMMih+PzocWXEQ+MXqtd4nhpj9
        GwIDAQAB
        -----END PUBLIC KEY-----
        """;

    private const string CurvePublic = """
        -----BEGIN PUBLIC KEY-----
        MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEoJ3+PFtT6IRbNNQFdTW9UqNLdJ6V
        tsMjpV09DOpKspbVQ1ChknFwJDwOxCjufqwQNt5Cs6PDYN55BCgqpbfqJg==
        -----END PUBLIC KEY-----
        """;

    private const string Secret = "a secret of some length, for tests";

    private static readonly Dictionary<string, string> Golden = new()
    {
        ["RS256"] = "eyJhbGciOiAiUlMyNTYiLCAidHlwIjogIkpXVCJ9.eyJ1c2VybmFtZSI6ICJhbGljZSIsICJyZXZpc2lvbiI6IDcsICJleHAiOiAyMDAwMDAwM" +
        "DAwfQ.FZkxoZuF-1wKI-FU3tz1gLzX_VDdJ5rF5moYC98Y9zLmmjeD44XwtMgunXN31e7hPmGLOWzhvQ60XxlFbdDqQTkeTn66lARAF4TpTg4s" +
        "ItD01JdMiJGzpZ5kYzUUMZEy_79iS-DrVVZhfqPM8v-zhM8HGpdf9PjFlSWy63SIJqybSwuIrFW6qu6MAzkU6w8Pd87UAo6BtQ95xASeDk9WfX" +
        "2tCYysW6geqyTyCOIWP-FyAQkXzaF4Ok2StuhH7XDImAPFE1Os59VPOZeQXbx96W7FgtCKllOREh0dDm43hryN3X0COZ1VFuAtBpP9YM8Bjghw" +
        "Z4AF07RGomPTG4-2vw",
        ["PS256"] = "eyJhbGciOiAiUFMyNTYiLCAidHlwIjogIkpXVCJ9.eyJ1c2VybmFtZSI6ICJhbGljZSIsICJyZXZpc2lvbiI6IDcsICJleHAiOiAyMDAwMDAwM" +
        "DAwfQ.LRgeNWEWtwgafuo-KddDS3A7kZHJmkydl4pUOenMQxyooDVFanZSELWHoywhcEC9eA-TWQskVzlV_XnWM2WUB-gSkDJ5rePkcKnyuV5Y" +
        "j2J8nhvYcTBvY2OMwUmUXTytcgktTubCD40viCzq1ioVFP7IaTJBA8COyzIp-lRw5pUipGdt87osBQYcOQdzZ6N16r_mSYWv1ZS-vcTZmbUZq_" +
        "b3eVIvVCoPjSZ_K-_zQMtHI4STr42PB7guM_HglsgnAO6v9oNP-J-Kpr82H43Z-aXiH2wa6ZKibM0FZkygPnnRvqEmmy-Wo7bKcT-9g9LKX02W" +
        "z1Kyv068WsunU8xjXg",
        ["ES256"] = "eyJhbGciOiAiRVMyNTYiLCAidHlwIjogIkpXVCJ9.eyJ1c2VybmFtZSI6ICJhbGljZSIsICJyZXZpc2lvbiI6IDcsICJleHAiOiAyMDAwMDAwM" +
        "DAwfQ.65Qwbd3DBy0GIMXYydah99bA7t-0g2JRP1t-NfWJk3cJsZayCPSCCqkq75KQGL1Jn0vDjvYuMemyizyOZOIgAA",
        ["HS256"] = "eyJhbGciOiAiSFMyNTYiLCAidHlwIjogIkpXVCJ9.eyJ1c2VybmFtZSI6ICJhbGljZSIsICJyZXZpc2lvbiI6IDcsICJleHAiOiAyMDAwMDAwM" +
        "DAwfQ.lCs5bIe0B8pWJ0WgsEyGVpHDENlFPJE2Y-jyHzA3-u8",
    };

    private static readonly ShardId First = new(1);
    private static readonly DateTimeOffset Now = DateTimeOffset.FromUnixTimeSeconds(1_900_000_000);

    [Theory]
    [InlineData("RS256")]
    [InlineData("PS256")]
    [InlineData("ES256")]
    [InlineData("HS256")]
    public void Tokens_of_openssl_are_taken_by_their_own_method_only(string method)
    {
        foreach ((string other, string token) in Golden)
        {
            using SignedTokens tokens = Of(method);
            Assert.Equal(other == method ? ("alice", 7L) : null, tokens.Verify(First, token, Now));
        }
    }

    [Fact]
    public void A_token_ends_at_its_time()
    {
        using SignedTokens tokens = Of("RS256");
        Assert.NotNull(tokens.Verify(First, Golden["RS256"], DateTimeOffset.FromUnixTimeSeconds(1_999_999_999)));
        Assert.Null(tokens.Verify(First, Golden["RS256"], DateTimeOffset.FromUnixTimeSeconds(2_000_000_000)));
    }

    // Goal: not one character of a token can be cut off or changed.
    [Theory]
    [InlineData("RS256")]
    [InlineData("ES256")]
    [InlineData("HS256")]
    public void A_token_cut_or_changed_is_none(string method)
    {
        string token = Golden[method];
        using SignedTokens tokens = Of(method);
        for (int i = 0; i < token.Length; i++)
        {
            Assert.Null(tokens.Verify(First, token[..i], Now));
            char[] changed = token.ToCharArray();
            changed[i] = changed[i] == 'A' ? 'B' : 'A';
            Assert.Null(tokens.Verify(First, new string(changed), Now));
        }

        foreach (string odd in (string[])["", ".", "..", "...", token + ".", token + ".x", "." + token, " " + token, token + "=", "\u00e9." + token, Golden["HS256"] + token])
        {
            Assert.Null(tokens.Verify(First, odd, Now));
        }
    }

    // Goal: the token does not choose the method: no "none", and no HMAC with the public key, which everybody has, as the secret.
    [Theory]
    [InlineData("none", "")]
    [InlineData("None", "")]
    [InlineData("HS256", RsaPublic)]
    [InlineData("HS256", RsaPublic + "\n")]
    public void The_method_is_the_servers(string method, string secret)
    {
        using SignedTokens tokens = Of("RS256");
        string signed = $"{Part($$"""{"alg":"{{method}}","typ":"JWT"}""")}.{Part("""{"username":"root","revision":7,"exp":2000000000}""")}";
        byte[] signature = secret.Length == 0 ? [] : HMACSHA256.HashData(Encoding.UTF8.GetBytes(secret), Encoding.ASCII.GetBytes(signed));
        Assert.Null(tokens.Verify(First, $"{signed}.{Base64Url.EncodeToString(signature)}", Now));
    }

    // Goal: what is rightly signed must also be of this time and keyspace, and whole.
    [Theory]
    [InlineData("""{"username":"u","revision":3,"exp":1900000001}""", true)]
    [InlineData("""{"username":"u","revision":3}""", true)] // As in etcd.
    [InlineData("""{"username":"u","revision":3,"exp":1900000000}""", false)]
    [InlineData("""{"username":"u","revision":3,"exp":"never"}""", false)]
    [InlineData("""{"username":"u","revision":3,"exp":null}""", false)]
    [InlineData("""{"username":"u","revision":3,"nbf":1900000001}""", false)]
    [InlineData("""{"username":"u","revision":3,"shard":1}""", true)]
    [InlineData("""{"username":"u","revision":3,"shard":2}""", false)]
    [InlineData("""{"username":"u","revision":3,"shard":"1"}""", false)]
    [InlineData("""{"username":"u","revision":3.5}""", false)]
    [InlineData("""{"username":"u","revision":-3}""", false)]
    [InlineData("""{"username":"u","revision":1e300}""", false)]
    [InlineData("""{"username":"u","revision":"3"}""", false)]
    [InlineData("""{"username":"","revision":3}""", false)]
    [InlineData("""{"username":7,"revision":3}""", false)]
    [InlineData("""{"revision":3}""", false)]
    [InlineData("""{"username":"u"}""", false)]
    [InlineData("""{"username":"u","username":"root","revision":3}""", false)]
    [InlineData("""[]""", false)]
    [InlineData("""nonsense""", false)]
    [InlineData("""[[[[[[[[[[[[]]]]]]]]]]]]""", false)]
    public void Claims_are_checked(string claims, bool isGood)
    {
        using SignedTokens tokens = Of("HS256");
        Assert.Equal(isGood ? ("u", 3L) : null, tokens.Verify(First, ByHand("""{"alg":"HS256"}""", claims), Now));
    }

    [Theory]
    [InlineData("""{"alg":"HS256","crit":["x"]}""")]
    [InlineData("""{"alg":"HS512"}""")]
    [InlineData("""{"alg":["HS256"]}""")]
    [InlineData("""{"alg":"HS256","alg":"HS256"}""")]
    [InlineData("""{}""")]
    [InlineData("""7""")]
    public void Headers_are_checked(string header)
    {
        using SignedTokens tokens = Of("HS256");
        Assert.Null(tokens.Verify(First, ByHand(header, """{"username":"u","revision":3}"""), Now));
    }

    // Goal: users of one name in two keyspaces may be two people.
    [Fact]
    public void A_token_is_of_one_keyspace()
    {
        using SignedTokens tokens = Of("HS256");
        string first = tokens.Sign(First, "u", 3, Now);
        string second = tokens.Sign(new ShardId(2), "u", 3, Now);
        Assert.Equal(("u", 3L), tokens.Verify(First, first, Now));
        Assert.Equal(("u", 3L), tokens.Verify(new ShardId(2), second, Now));
        Assert.Null(tokens.Verify(new ShardId(2), first, Now));
        Assert.Null(tokens.Verify(First, second, Now));
        Assert.Null(tokens.Verify(First, first, Now.AddMinutes(5)));
    }

    [Fact]
    public void What_is_signed_with_each_method_is_taken_by_whoever_has_the_public_key()
    {
        using RSA rsa = RSA.Create(2048);
        foreach (string method in JwtKey.Methods)
        {
            using ECDsa curve = ECDsa.Create(method switch { "ES384" => ECCurve.NamedCurves.nistP384, "ES512" => ECCurve.NamedCurves.nistP521, _ => ECCurve.NamedCurves.nistP256 });
            (string pub, string priv) = method[0] switch
            {
                'H' => ("", Secret),
                'E' => (curve.ExportSubjectPublicKeyInfoPem(), curve.ExportECPrivateKeyPem()),
                _ => (rsa.ExportSubjectPublicKeyInfoPem(), rsa.ExportPkcs8PrivateKeyPem()),
            };
            using var signer = new SignedTokens(JwtKey.Create(method, pub.Length > 0 ? Bytes(pub) : null, Bytes(priv)), TimeSpan.FromMinutes(5));
            using var verifier = new SignedTokens(
                method[0] == 'H' ? JwtKey.Create(method, null, Bytes(priv)) : JwtKey.Create(method, Bytes(pub), null), TimeSpan.FromMinutes(5));
            Assert.Equal((true, method[0] == 'H'), (signer.CanSign, verifier.CanSign));
            Assert.Equal(("\u00e9 \"u\"", 9L), verifier.Verify(First, signer.Sign(First, "\u00e9 \"u\"", 9, Now), Now));
        }
    }

    [Fact]
    public void Keys_that_do_not_fit_are_refused()
    {
        using RSA rsa = RSA.Create(2048);
        using RSA weak = RSA.Create(1024);
        byte[] priv = Bytes(rsa.ExportPkcs8PrivateKeyPem());
        Assert.Throws<ArgumentException>(() => JwtKey.Create("RS256", null, null));
        Assert.Throws<ArgumentException>(() => JwtKey.Create("HS256", Bytes(Secret), null));
        Assert.Throws<ArgumentException>(() => JwtKey.Create("HS256", null, []));
        Assert.Throws<ArgumentException>(() => JwtKey.Create("RS256", Bytes(RsaPublic), priv)); // No pair.
        Assert.Throws<ArgumentException>(() => JwtKey.Create("RS256", null, Bytes(RsaPublic)));
        Assert.Throws<ArgumentException>(() => JwtKey.Create("RS256", Bytes(CurvePublic), null));
        Assert.Throws<ArgumentException>(() => JwtKey.Create("ES384", Bytes(CurvePublic), null));
        Assert.Throws<ArgumentException>(() => JwtKey.Create("ES256", priv, null));
        Assert.Throws<ArgumentException>(() => JwtKey.Create("RS256", Bytes("nonsense"), null));
        Assert.Throws<ArgumentException>(() => JwtKey.Create("RS256", null, Bytes(weak.ExportPkcs8PrivateKeyPem())));
        Assert.Throws<ArgumentException>(() => JwtKey.Create("EdDSA", null, priv));
    }

    [Fact]
    public void The_setting_is_read_as_etcd_reads_it()
    {
        Assert.Null(JwtSetting.TryParse("jwt,pub-key=a.pub,priv-key=a=b.pem,sign-method=PS384,ttl=10m", out JwtSetting? setting));
        Assert.Equal(new JwtSetting("PS384", "a.pub", "a=b.pem", TimeSpan.FromMinutes(10)), setting);
        Assert.Null(JwtSetting.TryParse("jwt,priv-key=a,sign-method=HS256", out setting));
        Assert.Equal(TimeSpan.FromMinutes(5), setting!.Life);
    }

    private static SignedTokens Of(string method) => new(
        method switch
        {
            "HS256" => JwtKey.Create(method, null, Bytes(Secret)),
            "ES256" => JwtKey.Create(method, Bytes(CurvePublic), null),
            _ => JwtKey.Create(method, Bytes(RsaPublic), null),
        },
        TimeSpan.FromMinutes(5));

    private static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);

    private static string Part(string json) => Base64Url.EncodeToString(Bytes(json));

    private static string ByHand(string header, string claims)
    {
        string signed = $"{Part(header)}.{Part(claims)}";
        return $"{signed}.{Base64Url.EncodeToString(HMACSHA256.HashData(Bytes(Secret), Bytes(signed)))}";
    }
}
