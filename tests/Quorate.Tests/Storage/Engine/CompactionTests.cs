using System.Collections.Immutable;
using System.Text;
using Quorate.Core;
using Quorate.Storage.Engine;
using Xunit;

namespace Quorate.Tests.Storage.Engine;

/// <summary>What a merge may take for granted about the files that take no part in it.</summary>
public sealed class CompactionTests
{
    private const int PrefixBytes = 4;

    private readonly IFileSystem _disk = new EngineWorld(new EngineOptions()).Disk;
    private readonly BlockCache _cache = new(1 << 16);
    private ulong _number = 100;

    // Goal: versions of one key that end one file of a level and begin the next go down one file at a time; the merge of the newer ones must not
    // be told that it holds all of the key, wherever the older ones are by then. A deletion that is dropped then would bring the key back.
    [Theory]
    [InlineData(0, false)]
    [InlineData(3, false)] // Above the merge.
    [InlineData(4, false)] // Beside it.
    [InlineData(5, false)] // Where it goes, and not taken.
    [InlineData(6, false)] // Below.
    [InlineData(-1, true)] // Nowhere.
    public void A_merge_knows_of_all_files_with_its_keys(int levelOfOlder, bool holdsAll)
    {
        TableFile newer = Table("aaaa-9", "keyP-9");
        TableFile older = Table("keyP-2", "zzzz-1");
        var levels = new ImmutableArray<TableFile>[TableSet.LevelCount];
        Array.Fill(levels, []);
        levels[4] = [newer];
        if (levelOfOlder >= 0) { levels[levelOfOlder] = [.. levels[levelOfOlder], older]; }
        var tables = new TableSet([.. levels]);
        var inputs = new ImmutableArray<TableFile>[TableSet.LevelCount];
        Array.Fill(inputs, []);
        inputs[4] = [newer];
        var merge = new Compaction(tables, fromLevel: 4, toLevel: 5, [.. inputs]);
        Assert.Equal(holdsAll, merge.HoldsAllOf("keyP"u8));
    }

    // Goal: a file whose range only covers the prefix, and has none of its keys, does not keep deletions for ever.
    [Fact]
    public void A_file_that_only_covers_the_prefix_does_not_count()
    {
        TableFile merged = Table("keyP-9");
        TableFile around = Table("aaaa-1", "zzzz-1");
        ImmutableArray<ImmutableArray<TableFile>> levels = [[around], [], [], [], [merged], [], [around]];
        ImmutableArray<ImmutableArray<TableFile>> inputs = [[], [], [], [], [merged], [], []];
        Assert.True(new Compaction(new TableSet(levels), 4, 5, inputs).HoldsAllOf("keyP"u8));
    }

    private TableFile Table(params string[] keys)
    {
        var writer = new TableWriter(_disk, "shard", _number++, new EngineOptions(), static key => Math.Min(PrefixBytes, key.Length), level: 0);
        foreach (string key in keys) { writer.Add(Encoding.ASCII.GetBytes(key), "v"u8, isTombstone: false); }
        TableInfo info = writer.Finish();
        writer.Dispose();
        return TableFile.Open(_disk, "shard", info, _cache);
    }
}
