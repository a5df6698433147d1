using Quorate.Core;
using Quorate.StateMachines.KeyValue;
using Xunit;
using static Quorate.Tests.StateMachines.KeyValueHarness;

namespace Quorate.Tests.StateMachines;

public class KeyValueCodecTests
{
    public static TheoryData<KvCommand, string> GoldenCommands => new()
    {
        { Put("k", "vv"), "01 01 00 00 016B 027676" },
        { Put("k", prevKv: true) with { IgnoreValue = true, IgnoreLease = true, Lease = -1 }, "01 01 07 01 016B 00" },
        { Delete("k", "l", prevKv: true), "01 02 01 016B 016C" },
        { Get("k", revision: 5), "01 03 016B 00 00 0A 00 00 00 00 00 00 00 00" },
        { new KvCommand.Compact(300, true), "01 05 D804 01" },
        { new KvCommand.LeaseGrant(0, 60), "01 06 00 78" },
        { new KvCommand.LeaseRevoke(-1), "01 07 01" },
        { new KvCommand.LeaseRenew(300), "01 08 D804" },
        { new KvCommand.MemberAdd(true, ["a"]) { Id = 5, Refusal = KvRefusal.TooManyLearners }, "01 50 01 0500000000000000 54 01 0161" },
        { new KvCommand.MemberPromote(5, KvRefusal.NotLearner), "01 51 0500000000000000 55" },
        { new KvCommand.MemberRemove(5), "01 52 0500000000000000 57" },
        { new KvCommand.MemberUpdate(5, ["a", "b"]), "01 53 0500000000000000 02 0161 0162" },
        { new KvCommand.MemberPublish(5, "n", ["c"]), "01 54 0500000000000000 016E 01 0163" },
        { new KvCommand.MemberSeed([new MemberRecord(5, "n", ["a"], [])]), "01 55 01 0500000000000000 016E 01 0161" },
        { new KvCommand.AuthEnable(), "01 29" },
        { new KvCommand.AuthDisable(), "01 2A" },
        { new KvCommand.UserAdd("u", Bytes("h"), HasPassword: true), "01 2B 0175 0168 01" },
        { new KvCommand.UserDelete("u"), "01 2C 0175" },
        { new KvCommand.UserSetPassword("u", Bytes("h")), "01 2D 0175 0168" },
        { new KvCommand.UserGrantRole("u", "r"), "01 2E 0175 0172" },
        { new KvCommand.UserRevokeRole("u", "r"), "01 2F 0175 0172" },
        { new KvCommand.RoleAdd("r"), "01 30 0172" },
        { new KvCommand.RoleDelete("r"), "01 31 0172" },
        { new KvCommand.RoleGrant("r", new(KvPermissionType.ReadWrite, Bytes("a"), Bytes("b"))), "01 32 0172 04 0161 0162" },
        { new KvCommand.RoleRevoke("r", Bytes("a"), Bytes("b")), "01 33 0172 0161 0162" },
        { new KvCommand.TokenAdd("u", 300, Bytes("h"), 1), "01 34 0175 AC02 0168 02" },
        { new KvCommand.TokenRenew(Bytes("h"), 1), "01 35 0168 02" },
        { new KvCommand.Alarm(true, 5, KvAlarmType.Corrupt), "01 46 01 0500000000000000 04" },
        { new KvCommand.CheckBegin(1), "01 47 01" },
        { new KvCommand.CheckReport(new(300), new(new(5), 2, 0x0102030405060708)), "01 48 AC02 0500000000000000 02 0807060504030201" },
        {
            If([Compare(KvCompareTarget.Mod, "a", KvCompareResult.NotEqual, 1)], [Put("b")], [All()]),
            "01 04 01 0406016100 02 00 01 01000001 6200 01 04000000"
        },
    };

    public static TheoryData<KvReply, string> GoldenReplies => new()
    {
        { new KvReply.Put(2, null), "01 01 00 04" },
        { new KvReply.Put(3, new KeyValueRecord(Bytes("k"), Bytes("v"), 2, 2, 1, 0)), "01 01 01 016B 04 04 02 00 0176 00 06" },
        { new KvReply.DeleteRange(3, 7, []), "01 02 00 0E 06" },
        { new KvReply.Range(new RangeResult([], true, 9, 3, KvRefusal.None)), "01 03 00 01 12 06" },
        { new KvReply.Txn(3, true, [new KvReply.Put(3, null), new KvReply.Txn(0, false, [])]), "01 04 01 02 010006 04000000 06" },
        { new KvReply.Compact(3), "01 05 06" },
        { new KvReply.Refused(3, KvRefusal.LeaseNotFound), "01 06 0B 06" },
        { new KvReply.LeaseGrant(3, 7, 60), "01 07 0E 78 06" },
        { new KvReply.LeaseRevoke(3), "01 08 06" },
        { new KvReply.LeaseRenew(3, 60), "01 09 78 06" },
        { new KvReply.Member(3, 5), "01 50 0500000000000000 06" },
        { new KvReply.AuthDone(3), "01 28 06" },
        { new KvReply.Refused(3, KvRefusal.PermissionDenied), "01 06 2B 06" },
        { new KvReply.Alarm(3, [new KvAlarm(5, KvAlarmType.NoSpace)]), "01 46 01 0500000000000000 02 06" },
        { new KvReply.CheckNoted(3), "01 47 06" },
        { new KvReply.Refused(3, KvRefusal.NoSpace), "01 06 46 06" },
    };

    [Theory]
    [MemberData(nameof(GoldenCommands))]
    public void Commands_have_these_bytes_for_ever(KvCommand command, string hex)
    {
        string golden = hex.Replace(" ", "", StringComparison.Ordinal);
        Assert.Equal(golden, Hex(command));
        Assert.True(KvCommand.TryDecode(Convert.FromHexString(golden), out KvCommand? decoded));
        Assert.Equal(golden, Hex(decoded));
    }

    [Fact]
    public void A_sender_has_these_bytes_for_ever()
    {
        var payload = new ByteWriter();
        KvCommand.EncodeFrom(payload, new KvCaller(KvCredential.Token, "u", 300), [1, 7, 1]);
        Assert.Equal("01" + "28" + "01" + "AC02" + "0175" + "010701", Convert.ToHexString(payload.Written));
    }

    [Theory]
    [MemberData(nameof(GoldenReplies))]
    public void Replies_have_these_bytes_for_ever(KvReply reply, string hex)
    {
        string golden = hex.Replace(" ", "", StringComparison.Ordinal);
        Assert.Equal(golden, Hex(reply));
        Assert.True(KvReply.TryDecode(Convert.FromHexString(golden), out KvReply? decoded));
        Assert.Equal(Text(reply), Text(decoded));
        Assert.Equal(golden, Hex(decoded));
    }

    [Fact]
    public void A_put_from_spans_is_the_same_as_one_from_an_object()
    {
        var writer = new ByteWriter();
        KvCommand.EncodePut(writer, "k"u8, "v"u8, lease: 9, prevKv: true, ignoreValue: false, ignoreLease: true);
        Assert.Equal(
            Hex(Put("k", "v", prevKv: true) with { Lease = 9, IgnoreLease = true }), Convert.ToHexString(writer.Written));
    }

    // Property: what is encoded comes back the same, field by field (the second encoding shows every field).
    [Fact]
    public void Random_commands_and_their_replies_survive_the_round_trip()
    {
        var gen = new KeyValueGen(new Prng(11)) { Current = 50 };
        var model = new KeyValueModel();
        for (int i = 0; i < 2000; i++)
        {
            KvCommand command = gen.Command();
            string hex = Hex(command);
            Assert.True(KvCommand.TryDecode(Convert.FromHexString(hex), out KvCommand? decoded));
            Assert.Equal(command.GetType(), decoded.GetType());
            Assert.Equal(hex, Hex(decoded));

            KvReply reply = model.Do(command);
            hex = Hex(reply);
            Assert.True(KvReply.TryDecode(Convert.FromHexString(hex), out KvReply? answer));
            Assert.Equal(Text(reply), Text(answer));
            Assert.Equal(hex, Hex(answer));
        }
    }

    // Property: no bytes make a decoder or the machine throw, nor change the state if they are no command.
    [Fact]
    public void Any_bytes_are_refused_or_run()
    {
        var prng = new Prng(12);
        var gen = new KeyValueGen(prng) { Current = 5 };
        var kv = new KeyValueHarness();
        int refused = 0;
        for (int i = 0; i < 20_000; i++)
        {
            byte[] bytes = prng.Chance(1, 4) ? gen.Raw(40) : Damaged(prng, Convert.FromHexString(Hex(gen.Command())));
            if (prng.Chance(1, 2) && bytes.Length > 0) { bytes[0] = 1; }
            _ = KvReply.TryDecode(bytes, out _);
            bool isCommand = KvCommand.TryDecode(bytes, out KvCommand? command);
            int before = kv.Store.Count;
            bool isMalformed = kv.ApplyBytes(bytes) is KvReply.Refused { Refusal: KvRefusal.Malformed };
            Assert.Equal(isCommand, !isMalformed);
            if (isMalformed) { Assert.Equal(before, kv.Store.Count); }
            refused += isMalformed ? 1 : 0;
            if (isCommand) { Assert.True(KvCommand.TryDecode(Convert.FromHexString(Hex(command!)), out _)); }
        }

        Assert.InRange(refused, 2000, 19_000);
    }

    [Fact]
    public void Every_prefix_of_a_command_is_malformed()
    {
        byte[] whole = Convert.FromHexString(Hex(If(
            [CompareValue("a", KvCompareResult.Equal, "1")], [Put("b", "2"), Get("c"), Delete("d", "e")], [All(Put("f"))])));
        for (int length = 0; length < whole.Length; length++) { Assert.False(KvCommand.TryDecode(whole.AsMemory(0, length), out _)); }
        Assert.False(KvCommand.TryDecode((byte[])[.. whole, 0], out _));
    }

    [Theory]
    [InlineData("01040100FFFFFFFF0F")] // 4 billion operations.
    [InlineData("0104FFFFFFFF0F")] // 4 billion conditions.
    [InlineData("01010000FFFFFFFF7F")] // A key of 32 GiB.
    [InlineData("0105020002")] // More after the end.
    [InlineData("0104000105020000")] // A compaction in a transaction.
    [InlineData("010400010702000000")] // A lease's end in a transaction.
    [InlineData("0101080001610162")] // An unknown flag.
    [InlineData("0101000001610162FF")]
    [InlineData("01038080808080808080808001")]
    public void Hostile_bytes_are_no_command(string hex) => Assert.False(KvCommand.TryDecode(Convert.FromHexString(hex), out _));

    [Fact]
    public void A_put_allocates_nothing_but_its_buffers()
    {
        var machine = new KeyValueMachine();
        var store = new NullStore();
        machine.Open(store);
        var payload = new ByteWriter();
        var reply = new ByteWriter();
        byte[] key = new byte[100];
        byte[] value = new byte[1000];

        long PutMany(int count)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            for (int i = 0; i < count; i++)
            {
                payload.Clear();
                reply.Clear();
                KvCommand.EncodePut(payload, key, value);
                machine.Apply(new CommittedCommand(new LogIndex(1), default, payload.Written), store, reply);
                machine.Finish(store);
            }

            return GC.GetAllocatedBytesForCurrentThread() - before;
        }

        PutMany(100);
        Assert.Equal(0, PutMany(1000));
    }

    private static string Hex(KvCommand command)
    {
        var writer = new ByteWriter();
        command.Encode(writer);
        return Convert.ToHexString(writer.Written);
    }

    private static string Hex(KvReply reply)
    {
        var writer = new ByteWriter();
        reply.Encode(writer);
        return Convert.ToHexString(writer.Written);
    }

    private static byte[] Damaged(Prng prng, byte[] bytes)
    {
        for (int i = prng.Below(3); i > 0; i--) { bytes[prng.Below(bytes.Length)] = (byte)prng.Next(); }
        return prng.Chance(1, 4) ? bytes[..prng.Below(bytes.Length + 1)] : bytes;
    }

    private sealed class NullStore : IStoreWriter
    {
        public bool TryGet(ReadOnlySpan<byte> key, out ReadOnlySpan<byte> value)
        {
            value = default;
            return false;
        }

        public bool TryGetFirst(
            ReadOnlySpan<byte> prefix, ReadOnlySpan<byte> from, out ReadOnlySpan<byte> key, out ReadOnlySpan<byte> value)
        {
            key = default;
            value = default;
            return false;
        }

        public ICursor OpenCursor(ReadOnlySpan<byte> lower, ReadOnlySpan<byte> upper) =>
            new CheckedStore(new KeyValueMachine()).OpenCursor(lower, upper);

        public void Put(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value)
        {
        }

        public void Delete(ReadOnlySpan<byte> key)
        {
        }
    }
}
