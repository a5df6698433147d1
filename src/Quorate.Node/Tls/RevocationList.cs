using System.Collections.Immutable;
using System.Formats.Asn1;
using System.Numerics;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace Quorate.Node.Tls;

/// <summary>
/// The certificates that an authority took back (RFC 5280, section 5). As in etcd, the list's own signature and dates are not
/// checked: whoever may write the file may as well replace the authority's.
/// </summary>
internal sealed class RevocationList
{
    private static readonly Asn1Tag ExtensionsTag = new(TagClass.ContextSpecific, 0);

    private readonly ImmutableHashSet<(string Issuer, BigInteger Serial)> _revoked;

    private RevocationList(ImmutableHashSet<(string, BigInteger)> revoked) => _revoked = revoked;

    /// <summary>Reads one list or, in PEM, several.</summary>
    /// <exception cref="TlsFileException">It is none.</exception>
    public static RevocationList Parse(string path, byte[] bytes)
    {
        ImmutableHashSet<(string, BigInteger)>.Builder revoked = ImmutableHashSet.CreateBuilder<(string, BigInteger)>();
        try
        {
            string text = Encoding.Latin1.GetString(bytes);
            bool isPem = text.Contains("-----BEGIN X509 CRL-----", StringComparison.Ordinal);
            if (!isPem) { ReadList(bytes, revoked); }
            for (ReadOnlySpan<char> rest = text; isPem && PemEncoding.TryFind(rest, out PemFields fields); rest = rest[fields.Location.End..])
            {
                if (rest[fields.Label] is "X509 CRL") { ReadList(Convert.FromBase64String(rest[fields.Base64Data].ToString()), revoked); }
            }
        }
        catch (Exception e) when (e is AsnContentException or FormatException)
        {
            throw new TlsFileException(TlsFile.Revocation, path, $"is not a certificate revocation list: {e.Message}", e);
        }

        return new RevocationList(revoked.ToImmutable());
    }

    /// <summary>True if the certificate is on the list of its issuer.</summary>
    public bool Has(X509Certificate2 certificate) => _revoked.Contains(
        (Convert.ToHexString(certificate.IssuerName.RawData),
            new BigInteger(certificate.SerialNumberBytes.Span, isUnsigned: false, isBigEndian: true)));

    // CertificateList: SEQUENCE { tbsCertList, algorithm, signature }; only the first is of interest.
    private static void ReadList(byte[] der, ImmutableHashSet<(string, BigInteger)>.Builder revoked)
    {
        AsnReader list = new AsnReader(der, AsnEncodingRules.DER).ReadSequence().ReadSequence();
        if (list.PeekTag().HasSameClassAndValue(Asn1Tag.Integer)) { list.ReadInteger(); } // The version.
        list.ReadSequence(); // The signature's algorithm.
        string issuer = Convert.ToHexString(list.ReadEncodedValue().Span);
        ReadTime(list); // This update.
        while (list.HasData && IsTime(list)) { ReadTime(list); } // The next one, optional.
        if (!list.HasData || list.PeekTag().HasSameClassAndValue(ExtensionsTag)) { return; }
        for (AsnReader entries = list.ReadSequence(); entries.HasData;)
        {
            revoked.Add((issuer, entries.ReadSequence().ReadInteger()));
        }
    }

    private static bool IsTime(AsnReader reader) =>
        reader.PeekTag().HasSameClassAndValue(Asn1Tag.UtcTime) || reader.PeekTag().HasSameClassAndValue(Asn1Tag.GeneralizedTime);

    private static void ReadTime(AsnReader reader)
    {
        if (reader.PeekTag().HasSameClassAndValue(Asn1Tag.UtcTime)) { reader.ReadUtcTime(); }
        else { reader.ReadGeneralizedTime(); }
    }
}
