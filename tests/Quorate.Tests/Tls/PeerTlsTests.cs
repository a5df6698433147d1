using Quorate.Certs;
using Quorate.Node.Peers;
using Quorate.Node.Tls;
using Quorate.Tests.Node;
using Xunit;

namespace Quorate.Tests.Tls;

public sealed class PeerTlsTests : IDisposable
{
    private readonly TestAuthority _ours = new();
    private readonly TestAuthority _theirs = new();

    public PeerTlsTests()
    {
        _ours.Issue("a", hosts: ["localhost", "127.0.0.1"]);
        _ours.Issue("b", hosts: ["localhost", "127.0.0.1"]);
        _ours.Issue("elsewhere", hosts: ["elsewhere.example"]);
        _ours.Issue("expired", hosts: ["localhost"], expired: true);
        _ours.Issue("client");
        _theirs.Issue("b", hosts: ["localhost"]);
    }

    public void Dispose()
    {
        _ours.Dispose();
        _theirs.Dispose();
    }

    // Goal: frames travel both ways over mutual TLS, and none of their bytes is on the wire as it is.
    [Fact]
    public void Nodes_with_certificates_of_one_authority_connect()
    {
        using PeerEnd two = End(2, _ours.Options("b"));
        using PeerEnd one = End(1, _ours.Options("a"));
        Acquaint(one, two);
        Waiting.Until(() => one.IsConnectedTo(2) && two.IsConnectedTo(1), "the connection");
        string large = new('x', 300_000); // Many TLS records.
        one.Send(2, large);
        two.Send(1, "back");
        Waiting.Until(() => two.Frames.Contains(large) && one.Frames.Contains("back"), "the frames");
    }

    // Goal: whoever has not the right certificate is not let in, on either side, with a line that says why; the node goes on
    // and lets its real peer in.
    [Theory]
    [InlineData("theirs", "untrusted", "untrusted")]
    [InlineData("expired", "expired", null)]
    [InlineData("elsewhere", null, "is not for localhost")]
    [InlineData("client", null, "extended key usage")]
    public void A_wrong_certificate_is_refused(string certificate, string? kindAsCaller, string? wordsAsListener)
    {
        TlsOptions wrong = certificate == "theirs"
            ? _theirs.Options("b") with { TrustedCaFile = _ours.CaFile }
            : _ours.Options(certificate);
        using (PeerEnd two = End(2, _ours.Options("b")))
        {
            using (PeerEnd one = End(1, wrong))
            {
                Acquaint(one, two);
                Waiting.Until(() => two.Log.Count("peer-refused") > 0, "the line");
                string line = two.Log.Lines.First(static l => l.StartsWith("peer-refused", StringComparison.Ordinal));
                Assert.Contains($"kind={kindAsCaller ?? "certificate"} ", line, StringComparison.Ordinal);
                Assert.False(two.IsConnectedTo(1));
            }

            using PeerEnd real = End(1, _ours.Options("a"));
            Acquaint(real, two);
            Waiting.Until(() => two.IsConnectedTo(1), "the real peer");
        }

        if (wordsAsListener is null) { return; }
        using PeerEnd listener = End(2, wrong);
        using PeerEnd caller = End(1, _ours.Options("a"));
        Acquaint(caller, listener);
        Waiting.Until(() => caller.Log.Lines.Any(l => l.StartsWith("peer-unreachable", StringComparison.Ordinal)), "the caller's line");
        string reason = caller.Log.Lines.First(static l => l.StartsWith("peer-unreachable", StringComparison.Ordinal));
        Assert.Contains(wordsAsListener == "untrusted" ? "not issued by an authority" : wordsAsListener, reason, StringComparison.Ordinal);
        Assert.False(caller.IsConnectedTo(2));
    }

    // Goal: the caller's certificate is for its member's host, also if that member is called in the clear.
    [Fact]
    public void A_member_with_a_plain_url_is_not_taken_at_its_word()
    {
        using PeerEnd two = End(2, _ours.Options("b"));
        using PeerEnd one = End(1, _ours.Options("elsewhere"));
        two.Network.SetPeer(new PeerAddress(one.Node, "localhost", one.Port, IsTls: false));
        one.Network.SetPeer(new PeerAddress(two.Node, "localhost", two.Port, IsTls: true));
        Waiting.Until(() => two.IsConnectedTo(1) || two.Log.Lines.Any(l => l.Contains("kind=certificate ", StringComparison.Ordinal)), "the refusal");
        Assert.False(two.IsConnectedTo(1));
    }

    // Goal: an authority between that was taken back vouches for nobody, though the certificate itself is on no list.
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_revoked_authority_between_is_noticed(bool isRevoked)
    {
        var chain = new TestChain(_ours.Where);
        File.AppendAllText(_ours.CaFile, File.ReadAllText(chain.RootFile));
        using PeerEnd two = End(2, _ours.Options("b") with { RevocationFile = isRevoked ? chain.RevokedBetween : chain.RevokedNobody });
        using PeerEnd one = End(1, _ours.Options("a") with { CertificateFile = chain.LeafFile, KeyFile = chain.LeafKeyFile });
        Acquaint(one, two);
        Waiting.Until(() => two.IsConnectedTo(1) || two.Log.Count("peer-refused") > 0, "the connection or its refusal");
        Assert.Equal(isRevoked, two.Log.Lines.Any(static l => l.Contains("kind=revoked ", StringComparison.Ordinal)));
        Assert.Equal(!isRevoked, two.IsConnectedTo(1));
    }

    // Goal: only the common names that the operator named are peers.
    [Fact]
    public void Allowed_names_are_kept()
    {
        using PeerEnd two = End(2, _ours.Options("b") with { AllowedNames = ["a"] });
        using PeerEnd one = End(1, _ours.Options("a"));
        Acquaint(one, two);
        Waiting.Until(() => two.IsConnectedTo(1), "the allowed peer");
        using PeerEnd strict = End(3, _ours.Options("b") with { AllowedNames = ["c"] });
        Acquaint(one, strict);
        Waiting.Until(() => strict.Log.Lines.Any(l => l.Contains("kind=name-not-allowed", StringComparison.Ordinal)), "the refusal");
    }

    // Goal: what --peer-auto-tls makes is enough for a link: nobody is asked, any listener is taken.
    [Fact]
    public void Self_made_certificates_connect()
    {
        TlsOptions Auto(string name)
        {
            CertificateFiles.EnsureSelfSigned(_ours.Where, name, ["10.9.9.9"], 1, DateTimeOffset.UtcNow);
            return new TlsOptions { CertificateFile = _ours.CertFile(name), KeyFile = _ours.KeyFile(name), TakesAnyServer = true };
        }

        using PeerEnd two = End(2, Auto("auto2"));
        using PeerEnd one = End(1, Auto("auto1"));
        Acquaint(one, two);
        Waiting.Until(() => two.IsConnectedTo(1), "the connection");
    }

    // Goal: a node without TLS and one with it do not connect, whoever calls, and both operators can read why.
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Plaintext_against_tls_is_told_on_both_sides(bool callerHasTls)
    {
        using PeerEnd two = End(2, callerHasTls ? null : _ours.Options("b"));
        using PeerEnd one = End(1, callerHasTls ? _ours.Options("a") : null);
        two.Network.SetPeer(new PeerAddress(one.Node, "localhost", one.Port, IsTls: false));
        one.Network.SetPeer(new PeerAddress(two.Node, "localhost", two.Port, IsTls: callerHasTls));
        Waiting.Until(() => one.Log.Count("peer-unreachable") > 0 && two.Log.Count("peer-refused") > 0, "both lines");
        string caller = one.Log.Lines.First(static l => l.StartsWith("peer-unreachable", StringComparison.Ordinal));
        string listener = two.Log.Lines.First(static l => l.StartsWith("peer-refused", StringComparison.Ordinal));
        Assert.Contains(callerHasTls ? "it may not speak TLS" : "peer URL is https://", caller, StringComparison.Ordinal);
        Assert.Contains(callerHasTls ? "a TLS hello came" : "kind=tls-required", listener, StringComparison.Ordinal);
        Assert.False(one.IsConnectedTo(2));
    }

    // Goal: noise, and a caller that says nothing, cost a TLS listener no more than a plain one.
    [Theory]
    [InlineData("GET / HTTP/1.1\r\n\r\n")]
    [InlineData("\u0016\u0003\u0001\u0000\u0005hello")]
    [InlineData("x")]
    public void Noise_is_refused_with_a_line(string noise)
    {
        using PeerEnd two = End(2, _ours.Options("b"), o => o with { HandshakeTimeout = TimeSpan.FromMilliseconds(300) });
        using (var raw = new RawPeer(two.Port))
        {
            raw.TrySend(System.Text.Encoding.Latin1.GetBytes(noise));
            Assert.True(raw.IsClosedByOther());
        }

        Waiting.Until(() => two.Log.Count("peer-refused") > 0, "the line");
        using PeerEnd one = End(1, _ours.Options("a"));
        Acquaint(one, two);
        Waiting.Until(() => two.IsConnectedTo(1), "the real peer");
    }

    // Goal: a link that breaks is made anew with the certificates that lie there then, of a new authority even.
    [Fact]
    public void New_files_are_used_by_the_next_handshake()
    {
        using PeerEnd two = End(2, _ours.Options("b"));
        using (PeerEnd one = End(1, _ours.Options("a")))
        {
            Acquaint(one, two);
            Waiting.Until(() => two.IsConnectedTo(1), "the connection");
        }

        _theirs.Issue("a", hosts: ["localhost"]);
        File.Copy(_theirs.CaFile, _ours.CaFile, overwrite: true);
        File.Copy(_theirs.CertFile("b"), _ours.CertFile("b"), overwrite: true);
        File.Copy(_theirs.KeyFile("b"), _ours.KeyFile("b"), overwrite: true);
        using PeerEnd moved = End(1, _theirs.Options("a"));
        Acquaint(moved, two);
        Waiting.Until(() => two.IsConnectedTo(1), "the connection under the new authority");
    }

    private static PeerEnd End(ulong node, TlsOptions? tls, Func<PeerOptions, PeerOptions>? change = null)
    {
        var log = new RecordingLog();
        return new PeerEnd(node, o =>
        {
            PeerOptions options = tls is null ? o : o with { Streams = PeerTls.Streams(new TlsKeeper(tls, "peer", log), listens: true) };
            return change?.Invoke(options) ?? options;
        });
    }

    private static void Acquaint(PeerEnd one, PeerEnd other)
    {
        // The caller last: it calls at once.
        other.Network.SetPeer(new PeerAddress(one.Node, "localhost", one.Port, IsTls: true));
        one.Network.SetPeer(new PeerAddress(other.Node, "localhost", other.Port, IsTls: true));
    }
}
