using Quorate.Core;

namespace Quorate.Storage.Wal;

/// <summary>
/// The node's one log: hard states and entries of all shards. After <see cref="Sync"/> returns, everything written before it
/// survives a power cut. Used by one thread at a time (the sync thread).
/// </summary>
/// <remarks>
/// The rhythm: any number of <see cref="Write"/>, then one <see cref="Sync"/>; <see cref="PrepareNext"/> when there is nothing
/// to write. Format, recovery and reasons: DESIGN.md beside this file.
/// </remarks>
public sealed partial class WriteAheadLog : IDisposable
{
    private readonly IFileSystem _files;
    private readonly string _directory;
    private readonly WalOptions _options;
    private readonly ulong _logId;
    private readonly WalState _state;

    private readonly List<WalSegment> _chain;
    private readonly List<WalSegment> _free;
    private readonly List<IFile> _unsynced = []; // Files of earlier segments with bytes that no sync has covered yet.
    private readonly WalBatch _own = new();      // Checkpoints, copies and the closing batch.

    private IFile? _file;
    private WalPosition _end;
    private WalPosition _synced;
    private ulong _firstLive;
    private ulong _highestSequence;
    private bool _failed;
    private bool _closed;

    private WriteAheadLog(IFileSystem files, string directory, WalOptions options, LogRecovery found)
    {
        _files = files;
        _directory = directory;
        _options = options;
        _logId = found.LogId ?? options.LogId;
        _state = found.State;
        _chain = found.Chain;
        _free = found.Blank;
        _end = found.Synced;
        _synced = found.Synced;
        _highestSequence = found.HighestSequence;
    }

    /// <summary>Bytes on disk, spare segments included.</summary>
    public long DiskBytes => _chain.Sum(segment => segment.Length) + _free.Sum(segment => segment.Length) + (_next?.Length ?? 0);

    /// <summary>Segments that the log consists of, the one being written included.</summary>
    public int Segments => _chain.Count;

    private WalSegment Current => _chain[^1];

    /// <summary>Opens or creates the log and reads what it holds. Always begins a new segment.</summary>
    /// <param name="files">The disk.</param>
    /// <param name="directory">The log's own directory; created if it is not there. Files with names of others are left alone.</param>
    /// <param name="options">Sizes. They may differ from those the log was written with.</param>
    /// <param name="recovery">What the log holds.</param>
    /// <exception cref="CorruptFileException">A record that was synced does not read back as written. Nothing was changed.</exception>
    /// <exception cref="DiskException">The disk refused.</exception>
    public static WriteAheadLog Open(IFileSystem files, string directory, WalOptions options, out WalRecovery recovery)
    {
        WalRecovery? found = null;
        WriteAheadLog log = Open(files, directory, options, beforeFirstWrite: content => found = content);
        recovery = found!;
        return log;
    }

    /// <summary>The same, for an owner that must check what it knows against the log before the log is changed.</summary>
    /// <param name="files">The disk.</param>
    /// <param name="directory">The log's own directory.</param>
    /// <param name="options">Sizes.</param>
    /// <param name="beforeFirstWrite">Takes what the log holds. If it throws, nothing is changed.</param>
    /// <exception cref="CorruptFileException">A record that was synced does not read back as written. Nothing was changed.</exception>
    /// <exception cref="DiskException">The disk refused.</exception>
    public static WriteAheadLog Open(IFileSystem files, string directory, WalOptions options, Action<WalRecovery> beforeFirstWrite)
    {
        Invariant.Holds(!options.Problems().Any(), $"{string.Join(' ', options.Problems())}");
        if (!files.Exists(directory))
        {
            files.CreateDirectory(directory);
            int slash = directory.LastIndexOf('/');
            files.SyncDirectory(slash < 0 ? "" : directory[..slash]);
        }

        LogRecovery found = LogRecovery.Read(files, directory);
        beforeFirstWrite(found.Found);
        var log = new WriteAheadLog(files, directory, options, found);
        try
        {
            log.Begin(found);
        }
        catch
        {
            log._failed = true;
            log.Dispose();
            throw;
        }

        return log;
    }

    /// <summary>True if the directory, which must exist, has a segment: from the first opening on it always has one.</summary>
    /// <exception cref="DiskException">The disk refused.</exception>
    public static bool Exists(IFileSystem files, string directory) =>
        files.List(directory).Any(name => SegmentReader.TryParseName(name, out _));

    /// <summary>Reads what a log holds, as opening would, and changes nothing. Not while the log is open.</summary>
    /// <exception cref="CorruptFileException">A record that was synced does not read back as written.</exception>
    /// <exception cref="DiskException">The disk refused; <see cref="DiskFault.NotFound"/> if there is no such directory.</exception>
    public static WalRecovery Read(IFileSystem files, string directory) => LogRecovery.Read(files, directory).Found;

    /// <summary>
    /// Writes a batch behind the last one, with one write call; not durable yet. Does nothing if it is empty. The batch may
    /// be reused once this returns. A batch larger than a segment gets a segment of its own size.
    /// </summary>
    /// <exception cref="DiskException">The log may not be used any more.</exception>
    /// <exception cref="CorruptFileException">An old segment whose entries were to be copied is damaged. The log may not be used any more.</exception>
    public void Write(WalBatch batch)
    {
        FailIfUnusable();
        if (batch.IsEmpty) { return; }
        Invariant.Holds(batch.Bytes <= MaxBatchBytes, $"a batch of {batch.Bytes} bytes");
        try
        {
            bool rotated = RotateFor(batch);
            _state.Apply(batch, Current);
            Append(batch, BatchFlags.None);
            if (rotated && _chain.Count - 1 > _options.MaxSegmentsBehind) { CopyOldest(); }
        }
        catch
        {
            _failed = true;
            throw;
        }
    }

    /// <summary>Makes all written batches durable.</summary>
    /// <exception cref="DiskException">What was not durable may be lost for good. The log may not be used any more.</exception>
    public void Sync()
    {
        FailIfUnusable();
        if (_synced == _end) { return; }
        try
        {
            SyncFiles();
        }
        catch
        {
            _failed = true;
            throw;
        }
    }

    /// <summary>Closes the files; a clean stop writes a last batch that marks all before it as synced.</summary>
    /// <remarks>Written batches that no sync has covered are synced too. After a failure, only closes.</remarks>
    public void Dispose()
    {
        if (_closed) { return; }
        _closed = true;
        try
        {
            if (!_failed) { WriteClosing(); }
        }
        catch (DiskException)
        {
            // Nothing was promised for what is lost here: all that a Sync covered is durable.
        }
        finally
        {
            foreach (IFile file in _unsynced) { file.Dispose(); }
            _file?.Dispose();
        }
    }

    // Nothing that recovery relied on is touched before the first batch of the new segment is durable.
    private void Begin(LogRecovery found)
    {
        _files.SyncDirectory(_directory);
        _own.Clear();
        _state.AddCheckpointTo(_own);
        if (!found.Carried.IsEmpty)
        {
            Probes.Carried.Hit();
            _own.Add(new(WalRecordType.Carried, default, LogIndex.Zero, Term.Zero, 0, 0));
            _own.AddAll(found.Carried);
        }

        OpenNext(BatchHeader.Padded(0));
        _state.Replay(found.Carried, Current);
        Append(_own, BatchFlags.Checkpoint);
        SyncFiles();
        _free.AddRange(found.Free);
        if (_chain.Count - 1 > _options.MaxSegmentsBehind)
        {
            CopyOldest();
            SyncFiles();
        }
    }

    private void Append(WalBatch batch, BatchFlags flags)
    {
        while (_chain[_firstInChain].NeededRuns == 0 && _firstInChain < _chain.Count - 1) { _firstInChain++; }
        _firstLive = _chain[_firstInChain].Sequence;
        var position = new WalPosition(Current.Sequence, Current.End);
        var header = new BatchHeader
        {
            Version = BatchHeader.CurrentVersion,
            Flags = flags,
            LogId = _logId,
            Position = position,
            Previous = _end,
            Synced = _synced,
            FirstLive = _firstLive,
            SegmentBytes = (uint)Current.Length,
            BodyBytes = (uint)batch.Bytes,
            BodyCrc = batch.BodyCrc(),
        };
        _file!.Write(position.Offset, batch.Seal(header));
        Current.End = (uint)header.End;
        _end = new WalPosition(Current.Sequence, Current.End);
    }

    private void SyncFiles()
    {
        foreach (IFile file in _unsynced)
        {
            file.Sync();
            file.Dispose();
        }

        _unsynced.Clear();
        _file!.Sync();
        _synced = _end;

        // The batch that says these segments are not needed is durable now: their files may be reused.
        if (_firstInChain == 0) { return; }
        _free.AddRange(_chain[.._firstInChain]);
        _chain.RemoveRange(0, _firstInChain);
        _firstInChain = 0;
    }

    private void WriteClosing()
    {
        if (_synced != _end) { SyncFiles(); }
        _own.Clear();
        Append(_own, BatchFlags.CleanStop);
        SyncFiles();
    }

    private void FailIfUnusable()
    {
        ObjectDisposedException.ThrowIf(_closed, this);
        if (_failed)
        {
            throw new DiskException(DiskFault.Failed, "write", _directory, "the log has failed before and may not be used any more");
        }
    }
}
