using System.Globalization;
using System.Text;
using Quorate.Core;

namespace Quorate.Replication;

/// <summary>
/// The file "identity" in the data directory: whose data it is. Four lines of text, the last one the CRC-32C of those before,
/// so that people can read it: format, cluster, node, crc.
/// </summary>
internal static class NodeIdentity
{
    private const string FileName = "identity";
    private const string Format = "quorate-data 1";

    /// <summary>Checks the file, or writes it if the directory is new.</summary>
    public static void CheckOrCreate(IFileSystem files, ClusterId cluster, NodeId node)
    {
        string wanted = Text(cluster, node);
        if (!files.Exists(FileName))
        {
            if (files.Exists("wal") || files.Exists("shards"))
            {
                throw new WrongDataDirectoryException(
                    "the data directory holds a log but no file 'identity'; restore that file, or use an empty directory");
            }

            Create(files, wanted);
            return;
        }

        string found = Read(files);
        if (found == wanted) { return; }
        string[] lines = found.Split('\n');
        if (lines.Length != 5 || lines[3] != Crc(found[..^(lines[3].Length + 1)]))
        {
            throw new CorruptFileException(FileName, 0, "its last line is not the checksum of those before");
        }

        if (lines[0] != Format)
        {
            throw new WrongDataDirectoryException(
                $"the data directory has format '{lines[0]}'; this build reads '{Format}'");
        }

        string[] ours = wanted.Split('\n');
        throw new WrongDataDirectoryException(
            $"the data directory belongs to {lines[1]}, {lines[2]}; this node is {ours[1]}, {ours[2]}. " +
            "Use the directory of this node, or an empty one to join as a new node");
    }

    private static void Create(IFileSystem files, string text)
    {
        const string Temporary = FileName + ".tmp";
        if (files.Exists(Temporary)) { files.Delete(Temporary); }
        using (IFile file = files.Open(Temporary, OpenMode.Create))
        {
            file.Write(0, Encoding.ASCII.GetBytes(text));
            file.Sync();
        }

        files.Rename(Temporary, FileName);
        files.SyncDirectory("");
    }

    private static string Read(IFileSystem files)
    {
        using IFile file = files.Open(FileName, OpenMode.Read);
        byte[] bytes = new byte[Math.Min(file.Length, 1024)];
        int count = file.Read(0, bytes);
        return Encoding.ASCII.GetString(bytes, 0, count);
    }

    private static string Text(ClusterId cluster, NodeId node)
    {
        string head = string.Create(
            CultureInfo.InvariantCulture, $"{Format}\ncluster {cluster.Value:x16}\nnode {node.Value:x16}\n");
        return head + Crc(head) + "\n";
    }

    private static string Crc(string text) =>
        "crc32c " + Crc32C.Compute(Encoding.ASCII.GetBytes(text)).ToString("x8", CultureInfo.InvariantCulture);
}
