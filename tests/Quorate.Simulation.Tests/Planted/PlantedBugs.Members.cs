using System.Collections.Immutable;

namespace Quorate.Simulation.Tests.Planted;

internal static partial class PlantedBugs
{
    private const string MemberBook = "src/Quorate.StateMachines/KeyValue/MemberBook.cs";
    private const string MemberJudge = "src/Quorate.StateMachines/KeyValue/MemberJudge.cs";
    private const string MemberStore = "src/Quorate.StateMachines/KeyValue/MemberStore.cs";
    private const string ReplicaMembers = "src/Quorate.Replication/Replica.Members.cs";

    private static ImmutableArray<PlantedBug> InMembers =>
    [
        new("promotes-who-is-not-in-sync", 0, MemberJudge,
            "if (found is { IsInSync: false, IsLearner: true }) { return KvRefusal.LearnerNotReady; }", "") { Scenario = "operators", From = 3 },
        new("record-changes-without-the-group", 0, ReplicaMembers,
            "if (verdict is not { Steps.IsEmpty: false })",
            "if (verdict is not { Steps.IsEmpty: false } || verdict.Steps[0].Kind == MemberStepKind.Remove)") { Scenario = "operators" },
        new("group-changes-without-the-record", 0, MemberBook,
            "if (add.Refusal == KvRefusal.None) { MemberStore.Write(store, new MemberRecord(add.Id, \"\", add.PeerUrls, [])); }", "") { Scenario = "operators" },
        new("learner-joins-with-a-vote", 0, ReplicaMembers,
            "MemberStepKind.AddLearner => MembershipStep.AddLearner,", "MemberStepKind.AddLearner => MembershipStep.AddVoter,") { Scenario = "operators" },
        new("removed-founder-comes-back", 0, MemberBook,
            "MemberStore.Find(store, founder.Id) is not null || MemberStore.IsRemoved(store, founder.Id);",
            "MemberStore.Find(store, founder.Id) is not null;") { Scenario = "operators" },
        new("removed-id-is-forgotten", 0, MemberStore,
            "store.Put(Key(RemovedKind, id, key), [Format]);", "") { Scenario = "operators" },
    ];
}
