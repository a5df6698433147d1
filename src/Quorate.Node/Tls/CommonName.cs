using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Quorate.Node.Tls;

/// <summary>The common name of a certificate's subject, by which etcd knows users and members.</summary>
public static class CommonName
{
    private const string Oid = "2.5.4.3";

    /// <summary>The last common name in the subject, as Go reads it; null if there is none or it is empty.</summary>
    public static string? Of(X509Certificate2 certificate)
    {
        string? name = null;
        try
        {
            foreach (X500RelativeDistinguishedName part in certificate.SubjectName.EnumerateRelativeDistinguishedNames(reversed: false))
            {
                // A part with several values has no single name; nothing that issues certificates makes such.
                if (!part.HasMultipleElements && part.GetSingleElementType().Value == Oid) { name = part.GetSingleElementValue(); }
            }
        }
        catch (CryptographicException)
        {
            return null; // A subject that cannot be read names nobody.
        }

        return string.IsNullOrEmpty(name) ? null : name;
    }
}
