using System.Globalization;
using Quorate.Core;

namespace Quorate.Replication;

/// <summary>
/// The file "identity" in the data directory: whose data it is. Lines of text, the last one the CRC-32C of those before, so that
/// people can read it: format, cluster, node, directory, crc. The directory's number is drawn when it is created: peers know a node
/// by it (<see cref="PeerDirectories"/>), and a node that lost its disk is not the node it was.
/// </summary>
internal static class NodeIdentity
{
    private const string FileName = "identity";
    private const string Format = "quorate-data 2";

    /// <summary>Checks the file, or writes it if the directory is new.</summary>
    /// <param name="files">The data directory.</param>
    /// <param name="cluster">Whose it must be.</param>
    /// <param name="node">Whose it must be.</param>
    /// <param name="directory">A new directory gets this number.</param>
    /// <returns>The number of the directory.</returns>
    public static ulong CheckOrCreate(IFileSystem files, ClusterId cluster, NodeId node, ulong directory)
    {
        if (!files.Exists(FileName))
        {
            if (files.Exists("wal") || files.Exists("shards"))
            {
                throw new WrongDataDirectoryException(
                    "the data directory holds a log but no file 'identity'; restore that file, or use an empty directory");
            }

            Create(files, cluster, node, directory);
            return directory;
        }

        string[] lines = CheckedText.Read(files, FileName);
        if (lines[0] != Format)
        {
            throw new WrongDataDirectoryException($"the data directory has format '{lines[0]}'; this build reads '{Format}'");
        }

        string[] ours = Owner(cluster, node);
        if (lines.Length == 4 && lines[1] == ours[0] && lines[2] == ours[1] && TryReadDirectory(lines[3], out ulong found)) { return found; }
        if (lines.Length != 4 || !TryReadDirectory(lines[3], out _)) { throw new CorruptFileException(FileName, 0, "its lines are not those of an identity"); }
        throw new WrongDataDirectoryException(
            $"the data directory belongs to {lines[1]}, {lines[2]}; this node is {ours[0]}, {ours[1]}. " +
            "Use the directory of this node, or an empty one to join as a new node");
    }

    /// <summary>Whose directory it is; null if it is new.</summary>
    public static (ClusterId Cluster, NodeId Node)? Read(IFileSystem files)
    {
        if (!files.Exists(FileName)) { return null; }
        string[] lines = CheckedText.Read(files, FileName);
        if (lines[0] != Format)
        {
            throw new WrongDataDirectoryException($"the data directory has format '{lines[0]}'; this build reads '{Format}'");
        }

        return lines.Length == 4 && TryRead(lines[1], "cluster ", out ulong cluster) && TryRead(lines[2], "node ", out ulong node)
            ? (new ClusterId(cluster), new NodeId(node))
            : throw new CorruptFileException(FileName, 0, "its lines are not those of an identity");
    }

    /// <summary>Writes the file of a directory that is new, whatever else is in it.</summary>
    public static void Create(IFileSystem files, ClusterId cluster, NodeId node, ulong directory) =>
        CheckedText.Write(files, FileName, [Format, .. Owner(cluster, node), DirectoryLine(directory)]);

    private static string[] Owner(ClusterId cluster, NodeId node) =>
    [
        string.Create(CultureInfo.InvariantCulture, $"cluster {cluster.Value:x16}"),
        string.Create(CultureInfo.InvariantCulture, $"node {node.Value:x16}"),
    ];

    private static string DirectoryLine(ulong directory) => string.Create(CultureInfo.InvariantCulture, $"directory {directory:x16}");

    private static bool TryReadDirectory(string line, out ulong directory) => TryRead(line, "directory ", out directory);

    private static bool TryRead(string line, string word, out ulong number)
    {
        number = 0;
        return line.StartsWith(word, StringComparison.Ordinal) &&
            ulong.TryParse(line.AsSpan(word.Length), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out number);
    }
}
