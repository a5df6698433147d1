using System.Globalization;
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using Quorate.Node.Logging;

namespace Quorate.Node.Tls;

/// <summary>
/// Certificates that change while the server runs: a handshake that begins a second or more after the last look at the files
/// looks again, by content. Open connections keep what they began with. Any thread.
/// </summary>
/// <remarks>
/// Files that cannot be used (half of a pair was replaced, say) leave the old certificates in use, with one line per state of
/// the files. Content is compared, not times: links that are switched over and copies with old times are noticed as well.
/// </remarks>
public sealed class TlsKeeper
{
    private static readonly TimeSpan BetweenLooks = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan SoonExpired = TimeSpan.FromDays(7);

    private readonly Lock _gate = new();
    private readonly string _name;
    private readonly INodeLog _log;
    private readonly TimeProvider _clock;
    private volatile TlsMaterial _material;
    private long _lastLook;

    // The state of the files that could not be used when it was last looked at: told once.
    private string _refused = "";

    /// <summary>Reads the files.</summary>
    /// <param name="options">Which.</param>
    /// <param name="name">For lines: <c>client</c> or <c>peer</c>.</param>
    /// <param name="log">Told of every change, and of files that cannot be used.</param>
    /// <param name="clock">For tests.</param>
    /// <exception cref="TlsFileException">A file cannot be used.</exception>
    public TlsKeeper(TlsOptions options, string name, INodeLog log, TimeProvider? clock = null)
    {
        Options = options;
        _name = name;
        _log = log;
        _clock = clock ?? TimeProvider.System;
        _material = TlsMaterial.Load(options);
        _lastLook = _clock.GetTimestamp();
        Tell("certificate-loaded", _material);
    }

    /// <summary>Reads the files and forgets them.</summary>
    /// <exception cref="TlsFileException">A file cannot be used.</exception>
    public static void Try(TlsOptions options) => TlsMaterial.Load(options);

    /// <summary>What was asked for.</summary>
    public TlsOptions Options { get; }

    /// <summary>What to accept a caller with, by the files as they are now. Application protocols are not set.</summary>
    /// <param name="refused">Told why a caller's certificate is not taken; the handshake fails then.</param>
    public SslServerAuthenticationOptions ForServer(Action<TlsObjection> refused) => Current().ForServer(refused);

    /// <summary>What to call a server with, by the files as they are now.</summary>
    /// <param name="host">Name or address that is called.</param>
    /// <param name="refused">Told why the server's certificate is not taken; the handshake fails then.</param>
    public SslClientAuthenticationOptions ForClient(string host, Action<TlsObjection> refused) => Current().ForClient(host, refused);

    private TlsMaterial Current()
    {
        if (_clock.GetElapsedTime(Volatile.Read(ref _lastLook)) < BetweenLooks || !_gate.TryEnter()) { return _material; }
        try
        {
            Look();
            return _material;
        }
        finally
        {
            Volatile.Write(ref _lastLook, _clock.GetTimestamp());
            _gate.Exit();
        }
    }

    private void Look()
    {
        string state = "";
        try
        {
            TlsContents contents = TlsContents.Read(Options);
            if (contents.Digest == _material.Digest)
            {
                _refused = "";
                return;
            }

            state = contents.Digest;
            if (state == _refused) { return; }
            _material = TlsMaterial.Parse(Options, contents);
            _refused = "";
            Tell("certificate-reloaded", _material);
        }
        catch (TlsFileException e)
        {
            if (state.Length == 0) { state = e.Message; } // It could not even be read.
            if (state == _refused) { return; }
            _refused = state;
            _log.Write(
                LogSeverity.Error, "certificate-not-reloaded", new("side", _name), new("reason", e.Message),
                new("message", "the certificates read before stay in use"));
        }
    }

    private void Tell(string name, TlsMaterial material)
    {
        X509Certificate2 certificate = material.Context.TargetCertificate;
        DateTimeOffset expires = certificate.NotAfter.ToUniversalTime();
        bool isValid = certificate.NotBefore.ToUniversalTime() <= _clock.GetUtcNow() && _clock.GetUtcNow() + SoonExpired < expires;
        _log.Write(
            isValid ? LogSeverity.Info : LogSeverity.Warning, name, new("side", _name), new("file", Options.CertificateFile),
            new("subject", certificate.Subject), new("hosts", TlsMaterial.HostsOf(certificate)),
            new("valid-from", Text(certificate.NotBefore)), new("valid-to", Text(certificate.NotAfter)));
    }

    private static string Text(DateTime time) => time.ToUniversalTime().ToString("u", CultureInfo.InvariantCulture);
}
