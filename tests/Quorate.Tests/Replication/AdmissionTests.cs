using Quorate.Core;
using Quorate.Replication;
using Quorate.Simulation.Disk;
using Quorate.StateMachines;
using Quorate.StateMachines.KeyValue;
using Quorate.Storage.Wal;
using Xunit;

namespace Quorate.Tests.Replication;

/// <summary>What a node takes while its flushes do not get on: the test alone decides when a job runs.</summary>
public sealed class AdmissionTests
{
    private const int SlowedBytes = 200_000;

    private static readonly ShardId Shard = new(1);
    private static readonly NodeId Self = new(1);

    // Goal: when flushes fall behind, fewer and fewer bytes a tick are written, then writes are refused with nothing done, and memory
    // stays within what was allowed; once the flushes are through all is as before.
    [Fact]
    public void Writers_are_slowed_and_then_refused_while_flushes_do_not_get_on()
    {
        var host = new Host();
        using NodeCore core = Open(host);
        Settle(core, host);
        var perTick = new List<ulong>();
        int refused = 0;
        for (int tick = 0; tick < 400; tick++)
        {
            core.Tick(unixMilliseconds: 0);
            LogIndex before = core.StatusOf(Shard)!.Applied;
            for (int i = 0; i < 10; i++) { core.Propose(new Write(tick, i, outcome => refused += outcome == RequestOutcome.TooBusy ? 1 : 0)); }
            Settle(core, host);
            perTick.Add(core.StatusOf(Shard)!.Applied.Value - before.Value);
        }

        ShardStatus status = core.StatusOf(Shard)!;
        Assert.Equal(1000, status.WritePressure);
        Assert.True(refused > 1000, $"{refused} of 4000 were refused");
        Assert.Equal(0ul, perTick[^1]);
        Assert.Contains(perTick, entries => entries is > 0 and < 10);
        Assert.True(status.DiskBytes < 6 * 65_536, $"{status.DiskBytes} bytes in memory");

        host.RunsJobs = true;
        while (host.Jobs.TryDequeue(out NodeJob? job)) { Finish(core, job); }
        Settle(core, host);
        Assert.True(core.StatusOf(Shard)!.WritePressure < 500);
        core.Tick(unixMilliseconds: 0);
        RequestOutcome? last = null;
        core.Propose(new Write(500, 0, outcome => last = outcome));
        Settle(core, host);
        Assert.Equal(RequestOutcome.Done, last);
    }

    private static NodeCore Open(Host host)
    {
        var config = new NodeConfig
        {
            Cluster = new(9),
            Node = Self,
            Bootstrap = [new(Shard, (int)Catalog.KeyValue.Id, [new(new(1), Self)])],
            Machines = static (_, id) => Catalog.Find((uint)id)?.Create(),
            Engine = new() { MemTableBytes = 65_536 },
            SlowedWriteBytes = SlowedBytes,
            MaxEntryBytes = 1,
        };
        NodeCore core = NodeCore.Open(new SimDisk(), config, host, session: 5, new Prng(1), out WriteAheadLog log);
        log.Dispose(); // What is durable is said by the test.
        return core;
    }

    private static void Settle(NodeCore core, Host host)
    {
        for (int i = 0; i < 1000; i++)
        {
            bool more = core.Flush();
            more |= host.Batches.Count > 0;
            while (host.Batches.TryDequeue(out WalBatch? batch)) { core.Persisted(batch); }
            while (host.RunsJobs && host.Jobs.TryDequeue(out NodeJob? job))
            {
                Finish(core, job);
                more = true;
            }

            if (!more) { return; }
        }

        Assert.Fail("it does not come to rest");
    }

    private static void Finish(NodeCore core, NodeJob job)
    {
        job.Run();
        core.JobDone(job, failure: null);
    }

    private sealed class Write : ProposeRequest
    {
        private readonly Action<RequestOutcome> _completed;

        [System.Diagnostics.CodeAnalysis.SetsRequiredMembers]
        public Write(int tick, int number, Action<RequestOutcome> completed)
        {
            _completed = completed;
            var bytes = new ByteWriter();
            new KvCommand.Put(System.Text.Encoding.ASCII.GetBytes($"k{tick}/{number}"), new byte[1000]).Encode(bytes);
            Shard = AdmissionTests.Shard;
            Command = bytes.ToArray();
        }

        public override void Complete(RequestOutcome outcome, ReadOnlySpan<byte> reply) => _completed(outcome);
    }

    private sealed class Host : INodeHost
    {
        public Queue<WalBatch> Batches { get; } = [];

        public Queue<NodeJob> Jobs { get; } = [];

        public bool RunsJobs { get; set; }

        public void Send(NodeId to, ReadOnlyMemory<byte> frame)
        {
        }

        public void Persist(WalBatch batch) => Batches.Enqueue(batch);

        public void Run(NodeJob job) => Jobs.Enqueue(job);

        public void Report(NodeEvent change)
        {
        }

        public void Published(ShardId shard)
        {
        }
    }
}
