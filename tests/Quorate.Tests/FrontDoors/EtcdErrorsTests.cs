using Quorate.FrontDoors.Etcd;
using Quorate.Replication;
using Quorate.StateMachines.KeyValue;
using Xunit;

namespace Quorate.Tests.FrontDoors;

/// <summary>Every refusal and every outcome has its words; and the small codecs of the gRPC door.</summary>
public class EtcdErrorsTests
{
    [Fact]
    public void Every_refusal_of_the_machine_has_words()
    {
        foreach (KvRefusal refusal in Enum.GetValues<KvRefusal>().Where(refusal => refusal != KvRefusal.None))
        {
            EtcdError error = EtcdErrors.Of(refusal);
            Assert.NotEqual(GrpcStatus.OK, error.Status);
            Assert.True(
                refusal is KvRefusal.Malformed or KvRefusal.NotJudged or KvRefusal.TooLargeToSort || error.Message.StartsWith("etcdserver: ", StringComparison.Ordinal), error.Message);
        }
    }

    // A client may send a write again only if nothing happened: an unknown outcome must not look like a refusal.
    [Fact]
    public void Every_outcome_but_done_has_words()
    {
        foreach (RequestOutcome outcome in Enum.GetValues<RequestOutcome>().Where(outcome => outcome != RequestOutcome.Done))
        {
            Assert.StartsWith("etcdserver: ", EtcdErrors.Of(outcome).Message, StringComparison.Ordinal);
        }

        Assert.Equal(GrpcStatus.Unavailable, EtcdErrors.Of(RequestOutcome.Unknown).Status);
    }

    [Theory]
    [InlineData("5S", 5_000)]
    [InlineData("250m", 250)]
    [InlineData("2M", 120_000)]
    [InlineData("3000000n", 3)]
    [InlineData("7000u", 7)]
    [InlineData("99999999H", 4_294_967_294)]
    [InlineData("", -1)]
    [InlineData("S", -1)]
    [InlineData("123456789S", -1)]
    [InlineData("-1S", -1)]
    [InlineData("5X", -1)]
    public void A_timeout_is_read_or_ignored(string text, long milliseconds) =>
        Assert.Equal(milliseconds, (long)(GrpcTimeout.Parse(text)?.TotalMilliseconds ?? -1));

    [Theory]
    [InlineData("etcdserver: no leader", "etcdserver: no leader")]
    [InlineData("100% \"ü\"\n", "100%25 \"%C3%BC\"%0A")]
    public void A_message_survives_its_encoding(string text, string encoded)
    {
        Assert.Equal(encoded, GrpcMessageText.Encode(text));
        Assert.Equal(text, GrpcMessageText.Decode(encoded));
    }

    [Theory]
    [InlineData("50%", "50%")]
    [InlineData("%zz%4", "%zz%4")]
    public void A_message_that_is_not_encoded_is_kept(string text, string decoded) =>
        Assert.Equal(decoded, GrpcMessageText.Decode(text));
}
