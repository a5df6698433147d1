using System.Globalization;
using Quorate.Core;

namespace Quorate.Replication;

/// <summary>
/// The file "peers": the data directory by which this node has come to know each other node. A node that comes back with another
/// one has lost what it had promised (votes, acknowledged entries): nothing it says may count. (Raft relies on stable storage; paper,
/// section 5.1.)
/// </summary>
/// <remarks>It guards against nodes that had met. Two that never met cannot tell; so a cluster should be whole once.</remarks>
internal sealed class PeerDirectories
{
    private const string FileName = "peers";
    private const string Format = "quorate-peers 1";
    private readonly IFileSystem _files;
    private readonly SortedDictionary<NodeId, ulong> _known = [];

    /// <summary>Reads the file, if there is one.</summary>
    /// <exception cref="CorruptFileException">It is not as it was written.</exception>
    public PeerDirectories(IFileSystem files)
    {
        _files = files;
        if (!files.Exists(FileName)) { return; }
        string[] lines = CheckedText.Read(files, FileName);
        if (lines[0] != Format) { throw new WrongDataDirectoryException($"the file 'peers' has format '{lines[0]}'; this build reads '{Format}'"); }
        foreach (string line in lines[1..])
        {
            string[] words = line.Split(' ');
            bool isGood = words.Length == 4 && words[0] == "node" && words[2] == "directory" &
                TryHex(words[1], out ulong node) & TryHex(words[3], out ulong directory) && _known.TryAdd(new(node), directory);
            if (!isGood) { throw new CorruptFileException(FileName, 0, $"'{line}' does not name a node and its directory"); }
        }
    }

    /// <summary>True if this node has ever heard of another one.</summary>
    public bool KnowsAny => _known.Count > 0;

    /// <summary>True if this node has heard of that one before.</summary>
    public bool Knows(NodeId node) => _known.ContainsKey(node);

    /// <summary>True if the node is who it was; a node that was not known is so from now on, durably.</summary>
    /// <exception cref="DiskException">The disk refused; the node is not known yet.</exception>
    public bool IsSame(NodeId node, ulong directory)
    {
        if (_known.TryGetValue(node, out ulong known)) { return known == directory; }
        IEnumerable<KeyValuePair<NodeId, ulong>> all = _known.Append(new(node, directory));
        CheckedText.Write(_files, FileName, [Format, .. all.Select(peer => string.Create(
            CultureInfo.InvariantCulture, $"node {peer.Key.Value:x16} directory {peer.Value:x16}"))]);
        _known.Add(node, directory);
        return true;
    }

    private static bool TryHex(string word, out ulong number) =>
        ulong.TryParse(word, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out number);
}
