namespace Quorate.FrontDoors.Etcd;

/// <summary>
/// Watchers of ranges: a treap ordered by the ranges' starts, in which each node knows the furthest end below it. Finding the
/// ranges around a key costs the logarithm of their number for each one found, at most.
/// </summary>
/// <remarks>Watchers of equal ranges share a node. The priorities are a hash of a counter: balanced, and the same in every run.</remarks>
internal sealed class IntervalTree
{
    private Node? _root;
    private ulong _created;

    public void Add(Watcher watcher)
    {
        Node? node = _root;
        while (node is not null)
        {
            int order = Compare(watcher.Key, watcher.End!, node);
            if (order == 0)
            {
                WatcherSet.AddTo(node.Watchers, watcher);
                return;
            }

            node = order < 0 ? node.Left : node.Right;
        }

        watcher.Slot = 0;
        _root = Insert(_root, new Node(watcher, Priority()));
    }

    public void Remove(Watcher watcher) => _root = Remove(_root, watcher);

    /// <summary>Adds the watchers whose range holds the key.</summary>
    public void Find(ReadOnlySpan<byte> key, List<Watcher> found) => Find(_root, key, found);

    public void AddAll(List<Watcher> all) => AddAll(_root, all);

    // SplitMix64's last step.
    private ulong Priority()
    {
        ulong z = unchecked(++_created * 0x9E3779B97F4A7C15);
        z = unchecked((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9);
        return z ^ (z >> 31);
    }

    // The depth is that of a treap: some 40 for a million ranges.
    private static void Find(Node? node, ReadOnlySpan<byte> key, List<Watcher> found)
    {
        while (node is not null && IsBefore(key, node.Furthest))
        {
            Find(node.Left, key, found);
            if (key.SequenceCompareTo(node.Start) < 0) { return; }
            if (IsBefore(key, node.End)) { found.AddRange(node.Watchers); }
            node = node.Right;
        }
    }

    private static void AddAll(Node? node, List<Watcher> all)
    {
        for (; node is not null; node = node.Right)
        {
            AddAll(node.Left, all);
            all.AddRange(node.Watchers);
        }
    }

    private static Node Insert(Node? root, Node added)
    {
        if (root is null) { return added; }
        if (added.Priority > root.Priority)
        {
            (added.Left, added.Right) = Split(root, added);
            added.Update();
            return added;
        }

        if (Compare(added.Start, added.End, root) < 0) { root.Left = Insert(root.Left, added); }
        else { root.Right = Insert(root.Right, added); }
        root.Update();
        return root;
    }

    private static (Node? Before, Node? After) Split(Node? root, Node at)
    {
        if (root is null) { return (null, null); }
        if (Compare(at.Start, at.End, root) < 0)
        {
            (Node? before, root.Left) = Split(root.Left, at);
            root.Update();
            return (before, root);
        }

        (root.Right, Node? after) = Split(root.Right, at);
        root.Update();
        return (root, after);
    }

    private static Node? Remove(Node? root, Watcher watcher)
    {
        Core.Invariant.Holds(root is not null, $"a watcher that is not in the tree");
        int order = Compare(watcher.Key, watcher.End!, root);
        if (order == 0)
        {
            WatcherSet.RemoveFrom(root.Watchers, watcher);
            return root.Watchers.Count > 0 ? root : Merge(root.Left, root.Right);
        }

        if (order < 0) { root.Left = Remove(root.Left, watcher); }
        else { root.Right = Remove(root.Right, watcher); }
        root.Update();
        return root;
    }

    private static Node? Merge(Node? left, Node? right)
    {
        if (left is null || right is null) { return left ?? right; }
        if (left.Priority > right.Priority)
        {
            left.Right = Merge(left.Right, right);
            left.Update();
            return left;
        }

        right.Left = Merge(left, right.Left);
        right.Update();
        return right;
    }

    private static int Compare(byte[] start, byte[] end, Node node)
    {
        int order = start.AsSpan().SequenceCompareTo(node.Start);
        return order != 0 ? order : CompareEnds(end, node.End);
    }

    private static int CompareEnds(byte[] left, byte[] right) =>
        left.Length == 0 || right.Length == 0
            ? (left.Length == 0 ? 1 : 0) - (right.Length == 0 ? 1 : 0)
            : left.AsSpan().SequenceCompareTo(right);

    // An empty end is after all keys.
    private static bool IsBefore(ReadOnlySpan<byte> key, byte[] end) => end.Length == 0 || key.SequenceCompareTo(end) < 0;

    private sealed class Node(Watcher first, ulong priority)
    {
        public byte[] Start { get; } = first.Key;

        public byte[] End { get; } = first.End!;

        public ulong Priority { get; } = priority;

        public List<Watcher> Watchers { get; } = [first];

        public Node? Left { get; set; }

        public Node? Right { get; set; }

        public byte[] Furthest { get; private set; } = first.End!;

        public void Update()
        {
            Furthest = End;
            if (Left is not null && CompareEnds(Left.Furthest, Furthest) > 0) { Furthest = Left.Furthest; }
            if (Right is not null && CompareEnds(Right.Furthest, Furthest) > 0) { Furthest = Right.Furthest; }
        }
    }
}
