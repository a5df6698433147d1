using Quorate.Core;
using Quorate.Simulation.Disk;
using Quorate.StateMachines;
using Quorate.StateMachines.KeyValue;
using Quorate.Storage.Engine;
using Xunit;
using static Quorate.Tests.StateMachines.KeyValueHarness;

namespace Quorate.Tests.StateMachines;

public class KeyValueOnEngineTests
{
    // Files of a few versions, so that the versions of a key lie in many of them and compactions meet tombstones without what they hide.
    private static readonly EngineOptions Tiny = new()
    {
        MemTableBytes = 4096,
        BlockBytes = 128,
        FileBytes = 1024,
        Level0Files = 2,
        Level1Bytes = 2048,
        ManifestBytes = 4096,
    };

    // Property: on the real engine, through flushes, compactions with the machine's filter and restarts, the machine answers as the
    // model does, on the writer and on views, and has the state hash of a twin whose store forgets nothing.
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void The_machine_answers_as_the_model_does_on_the_engine(ulong seed)
    {
        var prng = new Prng(seed);
        var gen = new KeyValueGen(prng.Split(1));
        var model = new KeyValueModel();
        var twin = new KeyValueHarness();
        var disk = new SimDisk();
        IStateMachine machine = Catalog.KeyValue.Create();
        StorageEngine engine = Open(disk, machine);
        var kv = new KeyValueHarness(machine, engine);
        int compactions = 0;
        try
        {
            for (int step = 1; step <= 1500; step++)
            {
                gen.Current = model.Current;
                KvCommand command = gen.Command();
                string expected = Text(model.Do(command));
                Assert.True(expected == kv.Do(command), $"seed {seed}, step {step}, {command}: not {expected}");
                twin.Do(command);
                engine.Publish(new LogPosition(new LogIndex((ulong)step), new Term(1)));

                RangeQuery query = gen.Query();
                expected = Text(model.Ask(query));
                using (IReadView view = engine.OpenReadView())
                {
                    Assert.True(expected == Text(KvQueries.Range(view, query)), $"seed {seed}, step {step}, {query}: not {expected}");
                }

                if (prng.Chance(1, 3)) { compactions += RunJobs(engine, most: prng.Below(4)); }
                if (!prng.Chance(1, 200)) { continue; }

                engine.RequestFlush();
                switch (prng.Below(3))
                {
                    case 0: engine.RequestCompaction(); break;
                    case 1: engine.RequestReclaim(); break;
                    default: break;
                }

                compactions += RunJobs(engine, most: int.MaxValue);
                engine.Dispose();
                engine = Open(disk, machine);
                kv.Writer = engine;
                machine.Open(engine);
                Assert.Equal(twin.Hash, kv.Hash);
            }

            Assert.Equal(twin.Hash, kv.Hash);
            Assert.True(compactions > 20, $"only {compactions} compactions: the run proves too little");
        }
        finally
        {
            engine.Dispose();
        }
    }

    private static StorageEngine Open(SimDisk disk, IStateMachine machine) =>
        StorageEngine.Open(disk, "shard", Tiny, new EngineKeys(machine.FilterPrefixLength, machine.CreateCompactionFilter));

    private static int RunJobs(StorageEngine engine, int most)
    {
        int compactions = 0;
        for (int i = 0; i < most && engine.NextJob() is { } job; i++)
        {
            job.Run();
            engine.Complete(job, failed: false);
            if (job.Name.StartsWith("compact", StringComparison.Ordinal)) { compactions++; }
        }

        return compactions;
    }
}
