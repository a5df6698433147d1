// Goal: the rules for keyspaces, and what of them is stored for ever.
using System.Collections.Immutable;
using Quorate.Core;
using Quorate.StateMachines.KeyValue;
using Xunit;
using static Quorate.Tests.StateMachines.KeyValueHarness;

namespace Quorate.Tests.StateMachines;

public class KeyValueKeyspaceTests
{
    private readonly KeyValueHarness _kv = new();

    [Fact]
    public void A_keyspace_is_made_once_and_its_shard_is_never_given_again()
    {
        Assert.Equal("keyspace 2, quota 0@1", _kv.Do(new KvCommand.KeyspaceCreate("a", 0)));
        Assert.Equal("KeyspaceExists@1", _kv.Do(new KvCommand.KeyspaceCreate("a", 7)));
        Assert.Equal("keyspace 3, quota 7@1", _kv.Do(new KvCommand.KeyspaceCreate("b", 7)));
        Assert.Equal("keyspace 3, quota 8@1", _kv.Do(new KvCommand.KeyspaceUpdate("b", 8)));
        Assert.Equal("keyspace 3, quota 8@1", _kv.Do(new KvCommand.KeyspaceDelete("b")));
        Assert.Equal("KeyspaceNotFound@1", _kv.Do(new KvCommand.KeyspaceDelete("b")));
        Assert.Equal("KeyspaceNotFound@1", _kv.Do(new KvCommand.KeyspaceUpdate("b", 8)));
        Assert.Equal("keyspace 4, quota 0@1", _kv.Do(new KvCommand.KeyspaceCreate("b", 0)));
        Assert.Equal("put@2", _kv.Do(Put("a"))); // Keyspaces make no revisions.
    }

    [Theory]
    [InlineData("", "KeyspaceName")]
    [InlineData("A", "KeyspaceName")]
    [InlineData("-a", "KeyspaceName")]
    [InlineData(".", "KeyspaceName")]
    [InlineData("..", "KeyspaceName")]
    [InlineData("a/b", "KeyspaceName")]
    [InlineData("a b", "KeyspaceName")]
    [InlineData("é", "KeyspaceName")]
    [InlineData("a123456789012345678901234567890123456789012345678901234567890123", "KeyspaceName")]
    [InlineData("a12345678901234567890123456789012345678901234567890123456789012", "keyspace 2, quota 0")]
    [InlineData("0.a_b-c", "keyspace 2, quota 0")]
    [InlineData("default", "KeyspaceExists")]
    public void A_name_is_good_in_a_path_and_a_header(string name, string answer) =>
        Assert.Equal(answer + "@1", _kv.Do(new KvCommand.KeyspaceCreate(name, 0)));

    [Fact]
    public void The_default_keyspace_and_quotas_below_nothing_are_refused()
    {
        Assert.Equal("KeyspaceIsDefault@1", _kv.Do(new KvCommand.KeyspaceDelete("default")));
        Assert.Equal("KeyspaceIsDefault@1", _kv.Do(new KvCommand.KeyspaceUpdate("default", 1)));
        Assert.Equal("KeyspaceQuota@1", _kv.Do(new KvCommand.KeyspaceCreate("a", -1)));
        _kv.Do(new KvCommand.KeyspaceCreate("a", 1));
        Assert.Equal("KeyspaceQuota@1", _kv.Do(new KvCommand.KeyspaceUpdate("a", -1)));
    }

    [Fact]
    public void There_are_at_most_so_many()
    {
        for (int i = 0; i < KeyspaceRules.MaxKeyspaces; i++) { _kv.Do(new KvCommand.KeyspaceCreate($"k{i}", 0)); }
        Assert.Equal("TooManyKeyspaces@1", _kv.Do(new KvCommand.KeyspaceCreate("one-more", 0)));
        _kv.Do(new KvCommand.KeyspaceDelete("k500"));
        Assert.Equal("keyspace 1002, quota 0@1", _kv.Do(new KvCommand.KeyspaceCreate("one-more", 0)));
    }

    // Goal: what a host reads is what the store holds, also after a restart or a snapshot; it changes as an object only if its content does.
    [Fact]
    public void The_list_survives_a_restart()
    {
        Assert.Same(KeyspaceList.Empty, _kv.Machine.Keyspaces);
        ImmutableArray<ReplicaPlace> voters = [new(new(5), new(6)), new(new(7), new(8))];
        Apply(new KvCommand.KeyspaceCreate("b", 9), voters);
        Apply(new KvCommand.KeyspaceCreate("a", 0), voters);
        Apply(new KvCommand.KeyspaceCreate("c", 0), voters);
        Apply(new KvCommand.KeyspaceDelete("c"), voters);
        KeyspaceList before = _kv.Machine.Keyspaces;
        Apply(Put("k"), voters);
        Apply(new KvCommand.KeyspaceDelete("c"), voters);
        Assert.Same(before, _kv.Machine.Keyspaces);

        foreach (KeyspaceList list in new[] { before, new KeyValueHarness(new KeyValueMachine(), _kv.Writer).Machine.Keyspaces, KeyspaceQueries.All(_kv.Writer) })
        {
            Assert.Equal(["a", "b"], list.All.Select(keyspace => keyspace.Name));
            Assert.Equal(new ShardId(5), list.Next);
            Keyspace b = list.Find("b")!;
            Assert.Equal((new ShardId(2), 1, 9L), (b.Shard, b.Machine, b.QuotaBytes));
            Assert.Equal(voters, b.Voters);
            Assert.Same(b, list.Find(new ShardId(2)));
            Assert.Null(list.Find(new ShardId(4)));
            Assert.Equal([false, false, false, true, false], Enumerable.Range(1, 5).Select(shard => list.IsDeleted(new((ulong)shard))));
        }
    }

    [Fact]
    public void Keyspaces_are_part_of_the_state_that_replicas_compare()
    {
        ulong empty = _kv.Hash;
        _kv.Do(new KvCommand.KeyspaceCreate("a", 0));
        ulong created = _kv.Hash;
        _kv.Do(new KvCommand.KeyspaceUpdate("a", 1));
        ulong updated = _kv.Hash;
        _kv.Do(new KvCommand.KeyspaceDelete("a"));
        Assert.Equal(4, new HashSet<ulong> { empty, created, updated, _kv.Hash }.Count); // A deletion leaves the counter.
    }

    // Goal: formats that are stored never change.
    [Fact]
    public void Bytes_of_commands_replies_and_records()
    {
        Assert.Equal("015A016101", Hex(new KvCommand.KeyspaceCreate("a", -1).Encode));
        Assert.Equal("015B016102", Hex(new KvCommand.KeyspaceUpdate("a", 1).Encode));
        Assert.Equal("015C0161", Hex(new KvCommand.KeyspaceDelete("a").Encode));
        Assert.Equal("015A020608", Hex(new KvReply.Keyspace(4, 2, 3).Encode));
        Apply(new KvCommand.KeyspaceCreate("ab", 3), [new(new(5), new(6))]);
        Assert.True(_kv.Writer.TryGet([0x0F], out ReadOnlySpan<byte> counter));
        Assert.Equal("0103", Convert.ToHexString(counter));
        Assert.True(_kv.Writer.TryGet([0x10, (byte)'a', (byte)'b'], out ReadOnlySpan<byte> record));
        Assert.Equal("0102010301" + "0500000000000000" + "0600000000000000", Convert.ToHexString(record));
    }

    [Fact]
    public void A_deletion_gives_back_space_and_the_others_do_not()
    {
        Assert.Equal(CommandUrgency.FreesSpace, UrgencyOf(new KvCommand.KeyspaceDelete("a")));
        Assert.Equal(CommandUrgency.Ordinary, UrgencyOf(new KvCommand.KeyspaceCreate("a", 0)));
    }

    private CommandUrgency UrgencyOf(KvCommand command)
    {
        var payload = new ByteWriter();
        command.Encode(payload);
        return _kv.Machine.UrgencyOf(payload.Written);
    }

    private void Apply(KvCommand command, ImmutableArray<ReplicaPlace> voters)
    {
        (ByteWriter payload, ByteWriter reply) = (new(), new());
        command.Encode(payload);
        _kv.Machine.Apply(new CommittedCommand(new LogIndex(1), default, payload.Written, voters: voters), _kv.Writer, reply);
        _kv.Machine.Finish(_kv.Writer);
    }

    private static string Hex(Action<ByteWriter> encode)
    {
        var writer = new ByteWriter();
        encode(writer);
        return Convert.ToHexString(writer.Written);
    }
}
