using Quorate.Core;
using Quorate.Storage.Engine;

namespace Quorate.Replication;

/// <summary>
/// Streams the files of a checkpoint to one follower: a window of pieces in flight, repeated from the last acknowledged
/// byte when no progress is heard, given up after a long silence. The files stay as they are, whatever is compacted meanwhile.
/// </summary>
internal sealed class SnapshotSender
{
    private const int WindowChunks = 4;
    private readonly Replica _replica;
    private readonly EngineCheckpoint _checkpoint;
    private readonly SnapshotOffer _offer;
    private readonly NodeId _node;
    private readonly string _directory;
    private readonly long _total;
    private long _acknowledged;
    private long _next;
    private bool _accepted;
    private bool _isReading;
    private long _heardTick;
    private long _sentTick;

    public SnapshotSender(Replica replica, EngineCheckpoint checkpoint, SnapshotOffer offer, NodeId node, string directory)
    {
        _replica = replica;
        _checkpoint = checkpoint;
        _offer = offer;
        _node = node;
        _directory = directory;
        _total = offer.Files.Sum(file => file.Length);
        _heardTick = replica.Now;
        SendOffer();
    }

    public ReplicaId To => _offer.To;

    public ulong Stream => _offer.Stream;

    public bool IsOver { get; private set; }

    public LogPosition Position => _offer.Position;

    /// <summary>The receiver says how far it is.</summary>
    /// <returns>Null while it goes on, else whether it succeeded.</returns>
    public bool? Progressed(in SnapshotProgress progress)
    {
        _heardTick = _replica.Now;
        if (progress.State != SnapshotState.Receiving) { return progress.State == SnapshotState.Installed; }
        if (!_accepted)
        {
            // The answer to an offer. If it was repeated, the receiver may have restarted since, and begun anew.
            _accepted = true;
            _acknowledged = Math.Clamp(progress.Offset, 0, _total);
            _next = _acknowledged;
        }

        if (progress.Offset > _acknowledged && progress.Offset <= _total) { _acknowledged = progress.Offset; }
        if (_next < _acknowledged) { _next = _acknowledged; }
        ReadNext();
        return null;
    }

    /// <summary>Repeats what may be lost.</summary>
    /// <returns>False if the follower has been silent for too long.</returns>
    public bool Tick()
    {
        long now = _replica.Now;
        if (now - _heardTick > 30L * _replica.Config.Raft.ElectionTicks) { return false; }
        if (now - Math.Max(_heardTick, _sentTick) < _replica.Config.Raft.ElectionTicks) { return true; }

        // Silence since the last send: the offer, a piece or the answer was lost, or the receiver restarted and has forgotten all.
        // The answer to the offer tells where to go on.
        _accepted = false;
        SendOffer();
        return true;
    }

    public void Close()
    {
        if (IsOver) { return; }
        IsOver = true;
        if (!_isReading) { _checkpoint.Dispose(); }
    }

    private void SendOffer()
    {
        _sentTick = _replica.Now;
        PeerFrame.AddOffer(_replica.FrameTo(_node), _offer);
    }

    private void ReadNext()
    {
        int chunkBytes = _replica.Config.SnapshotChunkBytes;
        if (IsOver || !_accepted || _isReading || _next >= _total || _next - _acknowledged >= (long)WindowChunks * chunkBytes) { return; }

        // One piece lies in one file, so that reading and writing are one call each.
        long offset = _next;
        long inFile = offset;
        int index = 0;
        while (inFile >= _offer.Files[index].Length)
        {
            inFile -= _offer.Files[index].Length;
            index++;
        }

        (string name, long length) = _offer.Files[index];
        byte[] buffer = new byte[Math.Min(chunkBytes, length - inFile)];
        _isReading = true;
        _replica.Run(new FileJob(
            $"{_offer.Shard} snapshot read",
            () =>
            {
                using IFile file = _replica.Files.Open(_directory + "/" + name, OpenMode.Read);
                int count = file.Read(inFile, buffer);
                if (count != buffer.Length)
                {
                    throw new CorruptFileException(file.Path, inFile, $"{count} bytes are left of {buffer.Length}");
                }
            },
            failure => ReadFinished(offset, buffer, failure)));
    }

    private void ReadFinished(long offset, byte[] buffer, Exception? failure)
    {
        _isReading = false;
        if (IsOver)
        {
            _checkpoint.Dispose();
            return;
        }

        if (failure is not null)
        {
            if (!FileJob.IsSurvivable(failure)) { throw failure; }
            return; // The tick tries again.
        }

        if (_next == offset) { _next = offset + buffer.Length; }
        _sentTick = _replica.Now;
        PeerFrame.AddChunk(_replica.FrameTo(_node), new(_offer.Shard, _offer.Stream, offset, buffer));
        ReadNext();
    }
}
