using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text;
using Quorate.Core;

namespace Quorate.Settings;

/// <summary>
/// Ids that every member computes alike from the same <c>--initial-cluster</c> and token, so that nobody hands them out.
/// The rule is etcd's, so that tools which know an etcd cluster by its ids find them again.
/// </summary>
internal static class ClusterIdentity
{
    /// <summary>First 8 bytes of SHA-1 over the member's sorted peer URLs and the token.</summary>
    public static NodeId MemberId(IEnumerable<string> peerUrls, string token)
    {
        string joined = string.Concat(peerUrls.Order(StringComparer.Ordinal)) + token;
        return new NodeId(FirstEightBytes(Encoding.UTF8.GetBytes(joined)));
    }

    /// <summary>First 8 bytes of SHA-1 over the sorted member ids.</summary>
    public static ClusterId ClusterIdOf(IEnumerable<NodeId> members)
    {
        NodeId[] sorted = [.. members.Order()];
        byte[] bytes = new byte[sorted.Length * 8];
        for (int i = 0; i < sorted.Length; i++)
        {
            BinaryPrimitives.WriteUInt64BigEndian(bytes.AsSpan(i * 8), sorted[i].Value);
        }

        return new ClusterId(FirstEightBytes(bytes));
    }

    [SuppressMessage("Security", "CA5350", Justification = "A name, not a secret; the ids must equal etcd's.")]
    private static ulong FirstEightBytes(byte[] bytes) => BinaryPrimitives.ReadUInt64BigEndian(SHA1.HashData(bytes));
}
