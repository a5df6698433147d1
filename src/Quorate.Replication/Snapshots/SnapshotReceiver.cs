using Quorate.Core;
using Quorate.Storage.Engine;

namespace Quorate.Replication;

/// <summary>
/// Receives the files of a snapshot into a directory of its own, verifies every block, and only then gives the directory the
/// name under which it is used. A crash at any point leaves the old state or the whole new one.
/// </summary>
internal sealed class SnapshotReceiver
{
    private readonly Replica _replica;
    private readonly NodeId _from;
    private readonly string _incoming;
    private readonly string _directory;
    private readonly long _total;
    private readonly Queue<SnapshotChunk> _waiting = [];
    private readonly long _windowBytes;
    private long _enqueued;
    private long _written;
    private bool _isWorking;
    private bool _isCreated;
    private bool _isAbandoned;

    public SnapshotReceiver(Replica replica, SnapshotOffer offer, NodeId from, string incoming, int generation)
    {
        _replica = replica;
        Offer = offer;
        _from = from;
        _incoming = incoming;
        _directory = replica.Directory;
        Generation = generation;
        _total = offer.Files.Sum(file => file.Length);
        _windowBytes = 8L * replica.Config.SnapshotChunkBytes;
        WorkNext();
    }

    public SnapshotOffer Offer { get; }

    /// <summary>
    /// Number of the verified snapshot's directory, once it is whole. No other snapshot of this run gets it: deleting an
    /// unwanted one may take longer than receiving the next.
    /// </summary>
    public int Generation { get; }

    /// <summary>True from the moment its final name may exist on disk.</summary>
    public bool IsFinishing { get; private set; }

    /// <summary>The offer came again: the answer was lost.</summary>
    public void OfferedAgain() => Acknowledge();

    public void Received(in SnapshotChunk chunk)
    {
        if (IsFinishing || _isAbandoned) { return; }

        // Out of order, or more than was agreed to be in flight: the answer tells where to go on.
        if (chunk.Bytes.IsEmpty || chunk.Offset != _enqueued || chunk.Bytes.Length > _total - _enqueued || _enqueued - _written > _windowBytes)
        {
            Probes.PieceUnexpected.Hit();
            Acknowledge();
            return;
        }

        _waiting.Enqueue(chunk with { Bytes = chunk.Bytes.ToArray() }); // The frame is reused; the piece waits for the disk.
        _enqueued += chunk.Bytes.Length;
        WorkNext();
    }

    /// <summary>Another snapshot, or leader, has replaced this one.</summary>
    public void Abandon()
    {
        _isAbandoned = true;
        if (!_isWorking) { DeleteIncoming(); }
    }

    private void WorkNext()
    {
        if (_isWorking || _isAbandoned) { return; }
        if (!_isCreated)
        {
            Work("create", CreateDirectory, () => _isCreated = true);
        }
        else if (_waiting.TryPeek(out SnapshotChunk chunk))
        {
            Work("write", () => Write(chunk), () =>
            {
                _waiting.Dequeue();
                _written += chunk.Bytes.Length;
            });
        }
        else if (_written == _total && !IsFinishing)
        {
            IsFinishing = true;
            Work("verify", Finish, () => _replica.SnapshotReceived(this));
        }
    }

    private void Work(string name, Action run, Action done)
    {
        _isWorking = true;
        _replica.Run(new FileJob($"{Offer.Shard} snapshot {name}", run, failure =>
        {
            _isWorking = false;
            if (_isAbandoned)
            {
                DeleteIncoming();
                return;
            }

            if (failure is null)
            {
                done();
                if (!IsFinishing) { Acknowledge(); }
                WorkNext();
            }
            else if (FileJob.IsSurvivable(failure) || failure is CorruptFileException)
            {
                _replica.SnapshotFailed(this, failure);
            }
            else
            {
                throw failure;
            }
        }));
    }

    private void CreateDirectory()
    {
        _replica.Files.DeleteDirectory(_incoming);
        _replica.Files.CreateDirectory(_incoming);
        foreach ((string name, _) in Offer.Files) { _replica.Files.Open(_incoming + "/" + name, OpenMode.Create).Dispose(); }
    }

    private void Write(SnapshotChunk chunk)
    {
        long inFile = chunk.Offset;
        int index = 0;
        while (inFile >= Offer.Files[index].Length)
        {
            inFile -= Offer.Files[index].Length;
            index++;
        }

        if (inFile + chunk.Bytes.Length > Offer.Files[index].Length)
        {
            throw new CorruptFileException(_incoming, chunk.Offset, "the piece runs past the end of its file");
        }

        using IFile file = _replica.Files.Open(_incoming + "/" + Offer.Files[index].Name, OpenMode.ReadWrite);
        file.Write(inFile, chunk.Bytes.Span);
    }

    private void Finish()
    {
        foreach ((string name, _) in Offer.Files)
        {
            using IFile file = _replica.Files.Open(_incoming + "/" + name, OpenMode.ReadWrite);
            file.Sync();
        }

        StorageEngine.InstallCheckpoint(_replica.Files, _incoming, Offer.Manifest.Span);
        _replica.Files.SyncDirectory(_incoming);
        _replica.Files.Rename(_incoming, ReplicaStore.Generation(_directory, Generation));
        _replica.Files.SyncDirectory(_directory);
    }

    private void Acknowledge() => PeerFrame.AddProgress(
        _replica.FrameTo(_from), new(Offer.Shard, Offer.Stream, SnapshotState.Receiving, _written));

    private void DeleteIncoming()
    {
        string incoming = _incoming;
        bool alsoFinal = IsFinishing;
        _replica.Run(new FileJob(
            $"{Offer.Shard} snapshot delete",
            () =>
            {
                _replica.Files.DeleteDirectory(incoming);
                if (alsoFinal) { ReplicaStore.DeleteGeneration(_replica.Files, _directory, Generation); }
            },
            static failure => _ = failure)); // What is left is deleted when the node starts.
    }
}
