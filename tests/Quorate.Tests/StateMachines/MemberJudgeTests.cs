using System.Collections.Immutable;
using Quorate.Core;
using Quorate.StateMachines.KeyValue;
using Xunit;

namespace Quorate.Tests.StateMachines;

// Goal: a leader lets exactly those changes of members happen that etcd lets, and names the objection that etcd names first.
// Method: a group is written as one letter per member: v voter, l learner; capital: not heard; then ' if it has not started. Members
// have the ids 1, 2, ... and the peer URLs http://h1:1, ...; the learner's log is in sync unless it is not heard.
public class MemberJudgeTests
{
    [Theory]
    [InlineData("v", KvRefusal.None)]
    [InlineData("v v", KvRefusal.None)]
    [InlineData("v v'", KvRefusal.NotEnoughStarted)]
    [InlineData("v v v'", KvRefusal.NotEnoughStarted)]
    [InlineData("v v V", KvRefusal.Unhealthy)]
    [InlineData("v v v l'", KvRefusal.None)]
    [InlineData("v v v L", KvRefusal.None)]
    public void A_voter_is_added(string group, KvRefusal expected) =>
        Assert.Equal(expected, Judge(group, new KvCommand.MemberAdd(false, ["http://new:1"])));

    [Theory]
    [InlineData("v", KvRefusal.None)]
    [InlineData("v v'", KvRefusal.None)] // No vote, so nothing is lost if it never starts.
    [InlineData("v v V", KvRefusal.Unhealthy)]
    [InlineData("v l", KvRefusal.TooManyLearners)]
    public void A_learner_is_added(string group, KvRefusal expected) =>
        Assert.Equal(expected, Judge(group, new KvCommand.MemberAdd(true, ["http://new:1"])));

    [Fact]
    public void An_added_member_has_the_fresh_id_and_a_url_of_its_own()
    {
        var store = Store("v v");
        MemberVerdict verdict = MemberJudge.Judge(new KvCommand.MemberAdd(false, ["http://new:1"]), KvRefusal.None, Facts("v v"), new NodeId(77), store)!;
        Assert.Equal([new MemberStep(MemberStepKind.AddVoter, new NodeId(77))], verdict.Steps);
        Assert.True(KvCommand.TryDecode(verdict.Command, out KvCommand? completed));
        Assert.Equal(77ul, Assert.IsType<KvCommand.MemberAdd>(completed).Id);
        Assert.Equal(KvRefusal.PeerUrlExists, Judge("v v", new KvCommand.MemberAdd(false, ["http://new:1", "http://h2:1"])));
    }

    [Theory]
    [InlineData("v l", 2, KvRefusal.None)]
    [InlineData("v L", 2, KvRefusal.LearnerNotReady)]
    [InlineData("v l", 1, KvRefusal.NotLearner)]
    [InlineData("v l", 9, KvRefusal.MemberNotFound)]
    [InlineData("v v' v' l", 4, KvRefusal.NotEnoughStarted)]
    public void A_learner_is_promoted(string group, ulong id, KvRefusal expected) =>
        Assert.Equal(expected, Judge(group, new KvCommand.MemberPromote(id)));

    [Theory]
    [InlineData("v v v", 3, KvRefusal.None)]
    [InlineData("v", 1, KvRefusal.NotEnoughStarted)]
    [InlineData("v v", 2, KvRefusal.None)]
    [InlineData("v V", 2, KvRefusal.None)] // By the rules; a majority of two will not commit it.
    [InlineData("v v V", 3, KvRefusal.None)] // It takes no part anyway.
    [InlineData("v v V", 2, KvRefusal.Unhealthy)]
    [InlineData("v v v'", 2, KvRefusal.NotEnoughStarted)]
    [InlineData("v v v'", 3, KvRefusal.None)]
    [InlineData("v L", 2, KvRefusal.None)]
    [InlineData("v v v", 9, KvRefusal.MemberNotFound)]
    public void A_member_is_removed(string group, ulong id, KvRefusal expected) =>
        Assert.Equal(expected, Judge(group, new KvCommand.MemberRemove(id)));

    // Goal: what a leader has refused is refused by every replica alike, and changes nothing.
    [Fact]
    public void A_refusal_is_applied_as_one()
    {
        CheckedStore store = Store("v l");
        MemberVerdict verdict = MemberJudge.Judge(new KvCommand.MemberAdd(true, ["http://new:1"]), KvRefusal.None, Facts("v l"), new NodeId(77), store)!;
        Assert.Empty(verdict.Steps);
        Assert.Equal("TooManyLearners", Apply(store, verdict.Command));
        Assert.Equal(2, MemberQueries.All(store).Count);
    }

    [Fact]
    public void Records_follow_the_commands()
    {
        CheckedStore store = Store("v v");
        Assert.Equal("PeerUrlExists", Apply(store, new KvCommand.MemberUpdate(2, ["http://h1:1"])));
        Assert.Equal("MemberNotFound", Apply(store, new KvCommand.MemberUpdate(3, ["http://h3:1"])));
        Assert.Equal("2", Apply(store, new KvCommand.MemberUpdate(2, ["http://moved:1"])));
        Assert.Equal("2", Apply(store, new KvCommand.MemberPublish(2, "two", ["http://c:1", "http://d:1"])));
        Assert.Equal(new MemberRecord(2, "two", ["http://moved:1"], ["http://c:1", "http://d:1"]), MemberQueries.Find(store, new NodeId(2)));
        Assert.Equal("MemberNotFound", Apply(store, new KvCommand.MemberPublish(3, "three", [])));

        // Who was removed comes back by no command: not by its own, not as a founder.
        Assert.Equal("2", Apply(store, new KvCommand.MemberRemove(2, KvRefusal.None)));
        Assert.Equal("MemberNotFound", Apply(store, new KvCommand.MemberPublish(2, "two", [])));
        Assert.Equal("0", Apply(store, new KvCommand.MemberSeed([new MemberRecord(2, "two", ["http://h2:1"], []), new MemberRecord(5, "e", ["http://h5:1"], [])])));
        Assert.Equal([1ul, 5ul], MemberQueries.All(store).Select(member => member.Id));
        Assert.True(MemberQueries.IsRemoved(store, new NodeId(2)));
        Assert.False(MemberQueries.IsRemoved(store, new NodeId(1)));

        // One that no leader has judged is not taken at its word.
        Assert.Equal("Malformed", Apply(store, new KvCommand.MemberAdd(false, ["http://new:1"])));
        Assert.Equal("Malformed", Apply(store, new KvCommand.MemberPromote(5)));
        Assert.Equal("Malformed", Apply(store, new KvCommand.MemberRemove(5)));
        Assert.Equal([1ul, 5ul], MemberQueries.All(store).Select(member => member.Id));
    }

    // Goal: with users, only root changes members: decided by the leader that judges a command, by who sent it; an address, where it is applied.
    [Fact]
    public void With_users_only_root_changes_members()
    {
        CheckedStore store = Store("v l");
        Apply(store, new KvCommand.UserAdd("root", default, HasPassword: false));
        Apply(store, new KvCommand.UserGrantRole("root", "root"));
        Apply(store, new KvCommand.UserAdd("plain", default, HasPassword: false));
        Apply(store, new KvCommand.AuthEnable());
        Assert.Equal("PermissionDenied", ApplyFrom(store, "plain", new KvCommand.MemberUpdate(2, ["http://moved:1"])));
        Assert.Equal("2", ApplyFrom(store, "root", new KvCommand.MemberUpdate(2, ["http://moved:1"])));
        foreach (KvCommand command in new KvCommand[] { new KvCommand.MemberPromote(2), new KvCommand.MemberRemove(2), new KvCommand.MemberAdd(false, ["http://new:1"]) })
        {
            foreach ((string? user, string refusal) in new[] { (null, "UserNameEmpty"), ("plain", "PermissionDenied") })
            {
                MemberVerdict denied = JudgeFrom(store, user, command);
                Assert.Empty(denied.Steps);
                Assert.Equal(refusal, Apply(store, denied.Command));
            }

            // Final: Raft's membership changes with it, whoever may do what by then.
            MemberVerdict verdict = JudgeFrom(store, "root", command);
            Assert.Single(verdict.Steps);
            Assert.Equal(command is KvCommand.MemberAdd ? "77" : "2", Apply(store, verdict.Command));
        }
    }

    private static MemberVerdict JudgeFrom(CheckedStore store, string? user, KvCommand command)
    {
        var machine = new KeyValueMachine();
        machine.Open(store);
        return machine.JudgeMembers(From(user, command), Facts("v l"), new NodeId(77), store)!;
    }

    private static string ApplyFrom(CheckedStore store, string user, KvCommand command) => Apply(store, From(user, command).ToArray());

    private static ReadOnlySpan<byte> From(string? user, KvCommand command)
    {
        var bytes = new ByteWriter();
        command.Encode(bytes);
        Assert.True(KvCommand.NeedsSender(bytes.Written));
        if (user is null) { return bytes.Written; }
        var signed = new ByteWriter();
        KvCommand.EncodeFrom(signed, new KvCaller(KvCredential.Certificate, user, Revision: 0), bytes.Written);
        return signed.Written;
    }

    private static KvRefusal Judge(string group, KvCommand command)
    {
        MemberVerdict verdict = MemberJudge.Judge(command, KvRefusal.None, Facts(group), new NodeId(77), Store(group))!;
        Assert.True(KvCommand.TryDecode(verdict.Command, out KvCommand? judged));
        KvRefusal refusal = judged switch
        {
            KvCommand.MemberAdd add => add.Refusal,
            KvCommand.MemberPromote promote => promote.Refusal,
            KvCommand.MemberRemove remove => remove.Refusal,
            _ => throw new InvalidOperationException($"{judged}"),
        };
        Assert.Equal(refusal == KvRefusal.None, !verdict.Steps.IsEmpty);
        return refusal;
    }

    private static ImmutableArray<MemberFact> Facts(string group) =>
    [
        .. group.Split(' ').Select((text, i) =>
        {
            bool isHeard = char.IsLower(text[0]);
            return new MemberFact(new NodeId((ulong)i + 1), IsLearner: char.ToLowerInvariant(text[0]) == 'l', isHeard, IsInSync: isHeard, IsLeader: i == 0);
        }),
    ];

    private static CheckedStore Store(string group)
    {
        var store = new CheckedStore(new KeyValueMachine());
        string[] members = group.Split(' ');
        Apply(store, new KvCommand.MemberSeed(
            [.. members.Select((text, i) => new MemberRecord((ulong)i + 1, text.EndsWith('\'') ? "" : $"m{i + 1}", [$"http://h{i + 1}:1"], []))]));
        return store;
    }

    private static string Apply(CheckedStore store, KvCommand command)
    {
        var bytes = new ByteWriter();
        command.Encode(bytes);
        return Apply(store, bytes.WrittenMemory);
    }

    private static string Apply(CheckedStore store, ReadOnlyMemory<byte> command)
    {
        var machine = new KeyValueMachine();
        machine.Open(store);
        var reply = new ByteWriter();
        machine.Apply(new CommittedCommand(new LogIndex(1), default, command.Span), store, reply);
        machine.Finish(store);
        Assert.True(KvReply.TryDecode(reply.ToArray(), out KvReply? decoded));
        return decoded switch
        {
            KvReply.Member member => $"{member.Id}",
            KvReply.AuthDone => "done",
            KvReply.Refused refused => $"{refused.Refusal}",
            _ => throw new InvalidOperationException($"{decoded}"),
        };
    }
}
