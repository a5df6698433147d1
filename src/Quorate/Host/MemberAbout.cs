using System.Collections.Immutable;
using System.Text;
using Quorate.Node.Peers;
using Quorate.Settings;

namespace Quorate.Host;

/// <summary>
/// What members tell each other of themselves when they connect: the URLs that clients are to use, one a line, UTF-8. Unlike
/// names and peer URLs these are in nobody's <c>--initial-cluster</c>, and clients connect to all URLs a member list has.
/// </summary>
internal static class MemberAbout
{
    /// <summary>The text to be told. URLs that do not fit are left out.</summary>
    public static byte[] Write(ImmutableArray<string> clientUrls)
    {
        var text = new StringBuilder();
        foreach (string url in clientUrls)
        {
            if (text.Length + url.Length < PeerOptions.MostAboutBytes) { text.Append(url).Append('\n'); } // URLs are ASCII.
        }

        return Encoding.ASCII.GetBytes(text.ToString());
    }

    /// <summary>The URLs that a member told; lines that are no URLs are left out. Empty if it has not been heard.</summary>
    public static ImmutableArray<string> Read(ReadOnlyMemory<byte>? about) =>
        about is not { } bytes ? [] : [.. Encoding.UTF8.GetString(bytes.Span)
            .Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Where(line => ServerUrl.TryParse(line, out _) is null)];
}
