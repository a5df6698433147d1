using System.Collections.Immutable;

namespace Quorate.Simulation.Tests.Planted;

internal static partial class PlantedBugs
{
    private const string WatchHub = "src/Quorate.FrontDoors/Etcd/Watch/WatchHub.cs";
    private const string WatchPass = "src/Quorate.FrontDoors/Etcd/Watch/WatchPass.cs";
    private const string WatchSession = "src/Quorate.FrontDoors/Etcd/Watch/WatchSession.cs";
    private const string WatchCases = "Quorate.Tests.FrontDoors.WatchHubCaseTests.";
    private const string ChangeReader = "src/Quorate.StateMachines/KeyValue/KvChangeReader.cs";

    private static ImmutableArray<PlantedBug> InWatches =>
    [
        new("watch-begins-a-revision-late", 0, WatchHub,
            "watcher.Next = start == 0 ? current + 1 : start;", "watcher.Next = start == 0 ? current + 2 : start;") { Scenario = "store" },
        new("watch-joins-before-it-has-caught-up", 0, WatchHub,
            "if (from <= _revision && _pass.RunBehind(view, behind, from, _revision, dropped) < _revision) { return false; }", "")
        {
            Test = new(UnitTests, WatchCases + "Nothing_falls_between_a_session_and_the_hub", "the simulator has one thread, so nothing falls there"),
        },
        new("watch-is-told-a-revision-twice", 0, WatchPass, "watcher.Next = Math.Max(watcher.Next, end + 1);", "watcher.Next = Math.Max(watcher.Next, end);")
            { Scenario = "store" },
        new("watch-is-told-one-change-of-a-revision", 0, WatchPass,
            "long added = Tell(changes, watchers, dropped);", "long added = isTold ? 0 : Tell(changes, watchers, dropped);") { Scenario = "store" },
        new("watch-ignores-its-start", 0, WatchPass, "if (changes.Revision < watcher.Next) { continue; }", "") { Scenario = "store", From = 5 },
        new("watch-goes-past-a-snapshot", 13, WatchHub, "if (from < dropped) { DemoteAll(from); }", "")
        {
            Test = new(UnitTests, WatchCases + "A_watch_whose_changes_are_gone_ends", "seeds with a watch that is up to date and a snapshot that has dropped more are too rare"),
        },
        new("compacted-watch-goes-on", 13, WatchSession,
            "watcher.Next < (watcher.WasSynced ? dropped : compacted)", "watcher.Next < 0") { Scenario = "store" },
        new("progress-is-told-to-a-watch-that-is-behind", 14, WatchHub,
            "if (watcher.Home != _watchers || watcher.Start > _revision) { return false; }", "")
        {
            Test = new(UnitTests, WatchCases + "Progress_does_not_overtake_what_is_behind", "no simulated client reads so slowly that its watch falls behind"),
        },
        new("watch-of-puts-hears-of-deletes", 0, "src/Quorate.FrontDoors/Etcd/Watch/Watcher.cs",
            "isDelete ? !NoDeletes : !NoPuts", "isDelete ? !NoPuts : !NoDeletes") { Scenario = "store" },
        new("watch-misses-keys-beside-a-long-range", 0, "src/Quorate.FrontDoors/Etcd/Watch/IntervalTree.cs",
            "if (Left is not null && CompareEnds(Left.Furthest, Furthest) > 0) { Furthest = Left.Furthest; }", "") { Scenario = "store", From = 8 },
    ];

    private static ImmutableArray<PlantedBug> InChanges =>
    [
        new("previous-value-is-that-before-the-last", 0, ChangeReader,
            "RangeReader.TryFind(_view, key, Revision - 1, out", "RangeReader.TryFind(_view, key, Revision - 2, out") { Scenario = "store" },
        new("changes-of-the-compacted-revision-are-dropped", 13, CompactionFilter,
            "return ChangeKeys.Revision(key) >= _compacted;", "return ChangeKeys.Revision(key) > _compacted;") { Scenario = "store", From = 2 },
        new("index-of-changes-has-one-change-of-a-revision", 0, VersionWriter,
            "ChangeKeys.Write(_before + 1, _changes, change);", "ChangeKeys.Write(_before + 1, 0, change);") { Scenario = "store" },
    ];
}
