using System.Buffers.Binary;
using System.Security.Cryptography;
using Google.Protobuf;
using Quorate.FrontDoors.Etcd.Client;
using Quorate.FrontDoors.Etcd.Protos;

namespace Quorate.Migrate;

/// <summary>All keys of a server at one revision, read page by page, and their hash.</summary>
/// <param name="Revision">The revision.</param>
/// <param name="Keys">How many.</param>
/// <param name="Sha256">Of the keys in order; equal hashes mean equal contents.</param>
internal sealed record ContentHash(long Revision, long Keys, string Sha256)
{
    private const int MostKeys = 1000;
    private const int WantedBytes = 2 * 1024 * 1024;

    /// <summary>Hashes what a server has.</summary>
    /// <param name="side">The server.</param>
    /// <param name="revision">The revision; 0: the newest.</param>
    /// <param name="withRevisions">Whether revisions and versions count, or only keys, values and leases.</param>
    /// <param name="stop">Gives up.</param>
    /// <exception cref="EtcdRpcException">It could not be read; "compacted" if the revision is gone.</exception>
    public static async Task<ContentHash> Of(MigrationSide side, long revision, bool withRevisions, CancellationToken stop)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        long keys = 0;
        await foreach (RangeResponse page in Pages(side, revision, stop))
        {
            if (revision == 0) { revision = page.Header.Revision; }
            foreach (KeyValue kv in page.Kvs)
            {
                keys++;
                Add(hash, kv, withRevisions);
            }
        }

        return new ContentHash(revision, keys, Convert.ToHexStringLower(hash.GetHashAndReset()));
    }

    /// <summary>All keys of a server, in order, all of one revision; the first page tells it in its header.</summary>
    public static async IAsyncEnumerable<RangeResponse> Pages(
        MigrationSide side, long revision, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken stop)
    {
        var request = new RangeRequest { Key = ByteString.CopyFrom(0), RangeEnd = ByteString.CopyFrom(0), Revision = revision, Limit = 100 };
        while (true)
        {
            RangeResponse page = await side.Call(EtcdMethods.Range, request, stop);
            if (request.Revision == 0) { request.Revision = page.Header.Revision; }
            yield return page;
            if (!page.More) { yield break; }

            // Values may be of a megabyte, or of a byte.
            int bytes = page.CalculateSize();
            request.Limit = bytes > WantedBytes ? Math.Max(1, request.Limit / 2) : bytes < WantedBytes / 4 ? Math.Min(MostKeys, request.Limit * 2) : request.Limit;
            request.Key = ByteString.CopyFrom([.. page.Kvs[^1].Key.Span, 0]);
        }
    }

    private static void Add(IncrementalHash hash, KeyValue kv, bool withRevisions)
    {
        AddBytes(hash, kv.Key);
        AddBytes(hash, kv.Value);
        Span<byte> numbers = stackalloc byte[32];
        BinaryPrimitives.WriteInt64LittleEndian(numbers, kv.Lease);
        BinaryPrimitives.WriteInt64LittleEndian(numbers[8..], kv.CreateRevision);
        BinaryPrimitives.WriteInt64LittleEndian(numbers[16..], kv.ModRevision);
        BinaryPrimitives.WriteInt64LittleEndian(numbers[24..], kv.Version);
        hash.AppendData(withRevisions ? numbers : numbers[..8]);
    }

    // The length first: else "ab" and "c" would be "a" and "bc".
    private static void AddBytes(IncrementalHash hash, ByteString bytes)
    {
        Span<byte> length = stackalloc byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(length, bytes.Length);
        hash.AppendData(length);
        hash.AppendData(bytes.Span);
    }
}
