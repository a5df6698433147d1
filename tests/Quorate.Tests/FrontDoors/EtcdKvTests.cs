using Google.Protobuf;
using Quorate.FrontDoors.Etcd;
using Quorate.FrontDoors.Etcd.Client;
using Quorate.FrontDoors.Etcd.Protos;
using Quorate.Replication;
using Xunit;

namespace Quorate.Tests.FrontDoors;

/// <summary>The KV service over gRPC, through our own client. Answers are compared as text, in the form of proto's JSON.</summary>
public class EtcdKvTests
{
    private static readonly TxnRequest ReadOnlyTxn = new()
    {
        Success = { new RequestOp { RequestRange = EtcdDoor.NewRange("a") } },
    };

    [Fact]
    public async Task Put_and_range_answer_as_etcd()
    {
        await using EtcdDoor door = await EtcdDoor.Open();
        Assert.Equal(
            Json("{ 'header': { 'clusterId': '193', 'memberId': '161', 'revision': '2', 'raftTerm': '7' } }"),
            (await door.Put("a", "1")).ToString());
        PutRequest put = EtcdDoor.NewPut("a", "2");
        put.PrevKv = true;
        PutResponse replaced = await door.Call(EtcdMethods.Put, put);
        Assert.Equal("1", replaced.PrevKv.Value.ToStringUtf8());

        RangeResponse read = await door.Call(EtcdMethods.Range, EtcdDoor.NewRange("a"));
        Assert.Equal(
            Json("{ 'header': { 'clusterId': '193', 'memberId': '161', 'revision': '3', 'raftTerm': '7' }, "
                + "'kvs': [ { 'key': 'YQ==', 'createRevision': '2', 'modRevision': '3', 'version': '2', 'value': 'Mg==' } ], "
                + "'count': '1' }"),
            read.ToString());
    }

    [Fact]
    public async Task A_large_answer_comes_whole()
    {
        await using EtcdDoor door = await EtcdDoor.Open();
        for (int i = 0; i < 5; i++) { await door.Put($"big{i}", new string('x', 1_000_000)); }
        RangeResponse read = await door.Call(
            EtcdMethods.Range,
            new RangeRequest { Key = ByteString.CopyFromUtf8("\0"), RangeEnd = ByteString.CopyFromUtf8("\0") });
        Assert.Equal(5, read.Kvs.Count);
        Assert.All(read.Kvs, kv => Assert.Equal(1_000_000, kv.Value.Length));
    }

    [Fact]
    public async Task A_txn_compares_runs_one_list_and_answers_with_bare_headers_inside()
    {
        await using EtcdDoor door = await EtcdDoor.Open();
        await door.Put("a", "1");
        var txn = new TxnRequest
        {
            Compare =
            {
                new Compare
                {
                    Key = ByteString.CopyFromUtf8("a"),
                    Target = Compare.Types.CompareTarget.Value,
                    Value = ByteString.CopyFromUtf8("1"),
                },
            },
            Success =
            {
                new RequestOp { RequestPut = EtcdDoor.NewPut("b", "2") },
                new RequestOp { RequestRange = EtcdDoor.NewRange("b") },
                new RequestOp { RequestTxn = new TxnRequest { Success = { new RequestOp { RequestPut = EtcdDoor.NewPut("c", "3") } } } },
            },
        };
        Assert.Equal(
            Json("{ 'header': { 'clusterId': '193', 'memberId': '161', 'revision': '3', 'raftTerm': '7' }, 'succeeded': true, "
                + "'responses': [ { 'responsePut': { 'header': { 'revision': '3' } } }, "
                + "{ 'responseRange': { 'header': { 'revision': '3' }, 'kvs': [ { 'key': 'Yg==', 'createRevision': '3', "
                + "'modRevision': '3', 'version': '1', 'value': 'Mg==' } ], 'count': '1' } }, "
                + "{ 'responseTxn': { 'header': { }, 'succeeded': true, 'responses': [ { 'responsePut': { 'header': "
                + "{ 'revision': '3' } } } ] } } ] }"),
            (await door.Call(EtcdMethods.Txn, txn)).ToString());
    }

    [Fact]
    public async Task Delete_and_compact_answer_as_etcd()
    {
        await using EtcdDoor door = await EtcdDoor.Open();
        await door.Put("a", "1");
        var delete = new DeleteRangeRequest { Key = ByteString.CopyFromUtf8("a"), PrevKv = true };
        DeleteRangeResponse deleted = await door.Call(EtcdMethods.DeleteRange, delete);
        Assert.Equal((1, 3), (deleted.Deleted, deleted.Header.Revision));
        Assert.Equal("1", deleted.PrevKvs.Single().Value.ToStringUtf8());
        Assert.Equal(3, (await door.Call(EtcdMethods.Compact, new CompactionRequest { Revision = 3 })).Header.Revision);

        RangeRequest old = EtcdDoor.NewRange("a");
        old.Revision = 2;
        Assert.Equal(
            "OutOfRange: etcdserver: mvcc: required revision has been compacted", await door.ErrorOf(EtcdMethods.Range, old));
        old.Revision = 4;
        Assert.Equal(
            "OutOfRange: etcdserver: mvcc: required revision is a future revision",
            await door.ErrorOf(EtcdMethods.Range, old));
    }

    [Fact]
    public async Task A_txn_that_only_reads_is_not_proposed()
    {
        await using EtcdDoor door = await EtcdDoor.Open();
        await door.Put("a", "1");
        int proposals = door.Node.Proposals;
        TxnResponse read = await door.Call(EtcdMethods.Txn, ReadOnlyTxn);
        Assert.Equal("1", read.Responses.Single().ResponseRange.Kvs.Single().Value.ToStringUtf8());
        Assert.Equal(proposals, door.Node.Proposals);

        // Linearizable, unless all of its ranges are serializable.
        door.Node.LinearizableOutcome = RequestOutcome.NoLeader;
        Assert.Equal("Unavailable: etcdserver: no leader", await door.ErrorOf(EtcdMethods.Txn, ReadOnlyTxn));
        TxnRequest serializable = ReadOnlyTxn.Clone();
        serializable.Success[0].RequestRange.Serializable = true;
        Assert.True((await door.Call(EtcdMethods.Txn, serializable)).Succeeded);
    }

    [Fact]
    public async Task A_serializable_range_needs_no_leader()
    {
        await using EtcdDoor door = await EtcdDoor.Open();
        await door.Put("a", "1");
        door.Node.HasLeader = false;
        door.Node.Outcome = RequestOutcome.NoLeader;
        RangeRequest range = EtcdDoor.NewRange("a");
        Assert.Equal("Unavailable: etcdserver: no leader", await door.ErrorOf(EtcdMethods.Range, range));
        range.Serializable = true;
        Assert.Equal(1, (await door.Call(EtcdMethods.Range, range)).Count);
    }

    [Theory]
    [InlineData(RequestOutcome.NoLeader, "Unavailable: etcdserver: no leader")]
    [InlineData(RequestOutcome.TooBusy, "ResourceExhausted: etcdserver: too many requests")]
    [InlineData(RequestOutcome.NoSpace, "ResourceExhausted: etcdserver: mvcc: database space exceeded")]
    [InlineData(RequestOutcome.Stopping, "Unavailable: etcdserver: server stopped")]
    [InlineData(RequestOutcome.Unknown, "Unavailable: etcdserver: request timed out")]
    public async Task Outcomes_are_told_in_etcds_words(RequestOutcome outcome, string words)
    {
        await using EtcdDoor door = await EtcdDoor.Open();
        door.Node.Outcome = outcome;
        Assert.Equal(words, await door.ErrorOf(EtcdMethods.Put, EtcdDoor.NewPut("a", "1")));
    }

    [Fact]
    public async Task An_unknown_outcome_without_a_leader_names_the_leaders_failure()
    {
        await using EtcdDoor door = await EtcdDoor.Open();
        door.Node.Outcome = RequestOutcome.Unknown;
        door.Node.HasLeader = false;
        Assert.Equal(
            "Unavailable: etcdserver: request timed out, possibly due to previous leader failure",
            await door.ErrorOf(EtcdMethods.Put, EtcdDoor.NewPut("a", "1")));
    }

    [Fact]
    public async Task The_callers_deadline_is_told_as_such()
    {
        await using EtcdDoor door = await EtcdDoor.Open();
        door.Node.Gate = new TaskCompletionSource().Task;
        Assert.Equal(
            "DeadlineExceeded: context deadline exceeded",
            await door.ErrorOf(EtcdMethods.Put, EtcdDoor.NewPut("a", "1"), TimeSpan.FromMilliseconds(50)));
    }

    [Fact]
    public async Task A_learner_serves_only_status_and_serializable_ranges()
    {
        await using EtcdDoor door = await EtcdDoor.Open();
        door.Node.IsLearner = true;
        const string Refused = "FailedPrecondition: etcdserver: rpc not supported for learner";
        Assert.Equal(Refused, await door.ErrorOf(EtcdMethods.Put, EtcdDoor.NewPut("a", "1")));
        Assert.Equal(Refused, await door.ErrorOf(EtcdMethods.Range, EtcdDoor.NewRange("a")));
        Assert.Equal(Refused, await door.ErrorOf(EtcdMethods.MemberList, new MemberListRequest()));
        RangeRequest local = EtcdDoor.NewRange("a");
        local.Serializable = true;
        Assert.Equal(0, (await door.Call(EtcdMethods.Range, local)).Count);
        Assert.True((await door.Call(EtcdMethods.Status, new StatusRequest())).IsLearner);
    }

    [Fact]
    public async Task Requests_that_etcd_refuses_are_refused_in_its_words()
    {
        await using EtcdDoor door = await EtcdDoor.Open();
        await door.Put("a", "1");
        var txn129 = new TxnRequest();
        for (int i = 0; i < 129; i++) { txn129.Success.Add(new RequestOp { RequestPut = EtcdDoor.NewPut($"k{i}", "") }); }
        var twice = new TxnRequest
        {
            Success =
            {
                new RequestOp { RequestPut = EtcdDoor.NewPut("a", "") },
                new RequestOp { RequestPut = EtcdDoor.NewPut("a", "") },
            },
        };
        PutRequest ignoreValue = EtcdDoor.NewPut("a", "1");
        ignoreValue.IgnoreValue = true;
        PutRequest ignoreMissing = EtcdDoor.NewPut("none", "");
        ignoreMissing.IgnoreValue = true;
        PutRequest lease = EtcdDoor.NewPut("a", "1");
        lease.Lease = 5;
        PutRequest ignoreLease = lease.Clone();
        ignoreLease.IgnoreLease = true;
        RangeRequest sort = EtcdDoor.NewRange("a");
        sort.SortOrder = (RangeRequest.Types.SortOrder)9;

        string[] errors =
        [
            await door.ErrorOf(EtcdMethods.Put, new PutRequest()),
            await door.ErrorOf(EtcdMethods.Range, new RangeRequest()),
            await door.ErrorOf(EtcdMethods.DeleteRange, new DeleteRangeRequest()),
            await door.ErrorOf(EtcdMethods.Txn, new TxnRequest { Success = { new RequestOp() } }),
            await door.ErrorOf(EtcdMethods.Txn, txn129),
            await door.ErrorOf(EtcdMethods.Txn, twice),
            await door.ErrorOf(EtcdMethods.Put, ignoreValue),
            await door.ErrorOf(EtcdMethods.Put, ignoreMissing),
            await door.ErrorOf(EtcdMethods.Put, lease),
            await door.ErrorOf(EtcdMethods.Put, ignoreLease),
            await door.ErrorOf(EtcdMethods.Range, sort),
            await door.ErrorOf(EtcdMethods.Put, EtcdDoor.NewPut("a", new string('x', 1_572_900))),
            await door.ErrorOf(EtcdMethods.Put, EtcdDoor.NewPut("a", new string('x', 2_097_152))),
        ];
        Assert.Equal(
            [
                "InvalidArgument: etcdserver: key is not provided",
                "InvalidArgument: etcdserver: key is not provided",
                "InvalidArgument: etcdserver: key is not provided",
                "InvalidArgument: etcdserver: key not found",
                "InvalidArgument: etcdserver: too many operations in txn request",
                "InvalidArgument: etcdserver: duplicate key given in txn request",
                "InvalidArgument: etcdserver: value is provided",
                "InvalidArgument: etcdserver: key not found",
                "NotFound: etcdserver: requested lease not found",
                "InvalidArgument: etcdserver: lease is provided",
                "InvalidArgument: etcdserver: invalid sort option",
                "InvalidArgument: etcdserver: request is too large",
                "ResourceExhausted: grpc: received message larger than max (2097160 vs. 2097152)",
            ],
            errors);
        Assert.Equal(2, (await door.Call(EtcdMethods.Range, EtcdDoor.NewRange("a"))).Header.Revision);
    }

    [Fact]
    public async Task Status_members_and_alarms_come_from_the_node()
    {
        await using EtcdDoor door = await EtcdDoor.Open();
        await door.Put("a", "1");
        Assert.Equal(
            Json("{ 'header': { 'clusterId': '193', 'memberId': '161', 'revision': '2', 'raftTerm': '7' }, 'version': '3.6.5', "
                + "'dbSize': '4096', 'leader': '161', 'raftIndex': '1', 'raftTerm': '7', 'raftAppliedIndex': '1', "
                + "'dbSizeInUse': '4096', 'storageVersion': '3.6.0', 'downgradeInfo': { } }"),
            (await door.Call(EtcdMethods.Status, new StatusRequest())).ToString());
        Assert.Equal(
            Json("{ 'header': { 'clusterId': '193', 'memberId': '161', 'raftTerm': '7' }, 'members': [ { 'ID': '161', "
                + "'name': 'one', 'peerURLs': [ 'http://peer:1' ], 'clientURLs': [ 'http://client:2' ] } ] }"),
            (await door.Call(EtcdMethods.MemberList, new MemberListRequest { Linearizable = true })).ToString());
        Assert.Empty((await door.Call(EtcdMethods.Alarm, new AlarmRequest())).Alarms);

        door.Node.HasLeader = false;
        StatusResponse status = await door.Call(EtcdMethods.Status, new StatusRequest());
        Assert.Equal((0UL, "etcdserver: no leader"), (status.Leader, status.Errors.Single()));
    }

    [Fact]
    public async Task What_is_not_in_the_table_is_unimplemented()
    {
        await using EtcdDoor door = await EtcdDoor.Open();
        Assert.Equal(
            "Unimplemented: unknown service etcdserverpb.Nothing",
            await door.ErrorOf(
                new EtcdMethod<HashRequest, HashResponse>("/etcdserverpb.Nothing/Hash", HashResponse.Parser), new HashRequest()));
        Assert.Equal(
            "Unimplemented: unknown method Nothing for service etcdserverpb.Maintenance",
            await door.ErrorOf(
                new EtcdMethod<HashRequest, HashResponse>("/etcdserverpb.Maintenance/Nothing", HashResponse.Parser),
                new HashRequest()));
    }

    [Fact]
    public async Task Another_endpoint_is_asked_only_if_nothing_was_sent()
    {
        await using EtcdDoor door = await EtcdDoor.Open();
        using var client = new EtcdGrpcClient([new Uri("http://127.0.0.1:1"), new Uri($"http://{door.Address}")]);
        CancellationToken stop = TestContext.Current.CancellationToken;
        await client.CallAsync(EtcdMethods.Put, EtcdDoor.NewPut("a", "1"), TimeSpan.FromSeconds(30), stop);

        using var nobody = new EtcdGrpcClient([new Uri("http://127.0.0.1:1")]);
        EtcdRpcException refused = await Assert.ThrowsAsync<EtcdRpcException>(
            () => nobody.CallAsync(EtcdMethods.Put, EtcdDoor.NewPut("a", "1"), TimeSpan.FromSeconds(30), stop));
        Assert.Equal((GrpcStatus.Unavailable, false), (refused.Status, refused.WasSent));
    }

    // Goal: what one server refuses, another one does; what one may have done, no other is asked for.
    [Fact]
    public async Task A_refused_write_goes_to_another_server_and_one_of_unknown_outcome_does_not()
    {
        CancellationToken stop = TestContext.Current.CancellationToken;
        await using EtcdDoor first = await EtcdDoor.Open();
        await using EtcdDoor second = await EtcdDoor.Open();
        Uri[] both = [new($"http://{first.Address}"), new($"http://{second.Address}")];

        first.Node.Outcome = RequestOutcome.NoLeader;
        using var client = new EtcdGrpcClient(both);
        await client.CallAsync(EtcdMethods.Put, EtcdDoor.NewPut("a", "1"), TimeSpan.FromSeconds(30), stop);
        Assert.Equal((0, 1), (first.Node.Proposals, second.Node.Proposals));

        first.Node.Outcome = RequestOutcome.Unknown;
        using var other = new EtcdGrpcClient(both);
        EtcdRpcException unknown = await Assert.ThrowsAsync<EtcdRpcException>(
            () => other.CallAsync(EtcdMethods.Put, EtcdDoor.NewPut("a", "2"), TimeSpan.FromSeconds(30), stop));
        Assert.Equal("etcdserver: request timed out", unknown.Message);
        Assert.Equal(1, second.Node.Proposals);

        using var reader = new EtcdGrpcClient(both);
        RangeResponse read = await reader.CallAsync(EtcdMethods.Range, EtcdDoor.NewRange("a"), TimeSpan.FromSeconds(30), stop);
        Assert.Equal("1", read.Kvs.Single().Value.ToStringUtf8());
    }

    // Goal: a server that refuses for as long as the caller has time is quoted; the outcome is known.
    [Fact]
    public async Task The_last_refusal_is_the_answer_when_time_is_over()
    {
        await using EtcdDoor door = await EtcdDoor.Open();
        door.Node.Outcome = RequestOutcome.TooBusy;
        using var client = new EtcdGrpcClient([new Uri($"http://{door.Address}")]);
        EtcdRpcException refused = await Assert.ThrowsAsync<EtcdRpcException>(() => client.CallAsync(
            EtcdMethods.Put, EtcdDoor.NewPut("a", "1"), TimeSpan.FromMilliseconds(500), TestContext.Current.CancellationToken));
        Assert.Equal((GrpcStatus.ResourceExhausted, "etcdserver: too many requests"), (refused.Status, refused.Message));
    }

    private static string Json(string singleQuoted) => singleQuoted.Replace('\'', '"');
}
