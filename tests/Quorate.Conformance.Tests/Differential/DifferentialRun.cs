using System.Collections.Immutable;
using System.Globalization;
using Google.Protobuf;
using Quorate.FrontDoors.Etcd;
using Quorate.FrontDoors.Etcd.Client;
using Quorate.FrontDoors.Etcd.Protos;

namespace Quorate.Conformance.Tests.Differential;

/// <summary>What all cases found.</summary>
/// <param name="Cases">How many cases were run; one that goes through both doors counts once.</param>
/// <param name="Answers">How many answers were compared.</param>
/// <param name="Differences">In the cases' order.</param>
internal sealed record DifferentialFindings(int Cases, int Answers, ImmutableArray<Difference> Differences);

/// <summary>Runs cases against the real etcd and against one Quorate node.</summary>
internal static class DifferentialRun
{
    /// <summary>Runs all; skips the test if etcd is not here.</summary>
    public static async Task<DifferentialFindings> RunAsync(IEnumerable<CaseGroup> groups)
    {
        string etcd = Tool.Find("etcd");
        string etcdctl = Tool.Find("etcdctl");
        var differences = ImmutableArray.CreateBuilder<Difference>();
        int cases = 0;
        int answers = 0;
        ServerPair servers = new(etcd, etcdctl, []);
        bool isTheirs = false; // These servers were of a group's own.
        try
        {
            foreach ((CaseGroup group, DifferentialCase one) in groups.SelectMany(static group => group.Cases.Select(one => (group, one))))
            {
                cases++;
                ImmutableArray<Step> steps = Step.ReadAll(group.Setup + "\n" + one.Script);
                foreach (Door door in Enum.GetValues<Door>())
                {
                    if (!Target.Of(door, servers.Ours).CanRun(steps)) { continue; }
                    if (!servers.AreRunning || group.OwnServers || isTheirs)
                    {
                        servers.Dispose();
                        servers = new(etcd, etcdctl, group.Arguments);
                    }

                    isTheirs = group.OwnServers;

                    answers += steps.Length;
                    differences.AddRange(await RunCaseAsync(servers, group, one, door, steps));
                }
            }
        }
        finally
        {
            servers.Dispose();
        }

        return new(cases, answers, differences.ToImmutable());
    }

    private static async Task<IEnumerable<Difference>> RunCaseAsync(
        ServerPair servers, CaseGroup group, DifferentialCase one, Door door, ImmutableArray<Step> steps)
    {
        Task<ImmutableArray<Answer>> etcd = RunStepsAsync(door, servers.Etcd, steps);
        Task<ImmutableArray<Answer>> ours = RunStepsAsync(door, servers.Ours, steps);
        await Task.WhenAll(etcd, ours);
        await servers.SettleAsync();
        foreach (string endpoint in new[] { servers.Etcd, servers.Ours }) { await RunTeardownAsync(endpoint, group); }
        return servers.AreRunning
            ? steps.SelectMany((step, i) => Difference.Between(group, one.Name, door, step, etcd.Result[i], ours.Result[i]))
            : [new Difference(group.Name, one.Name, door, steps[^1], "process", Life(servers.IsEtcdRunning), Life(servers.AreWeRunning))];

        static string Life(bool goesOn) => goesOn ? "goes on" : "ends";
    }

    private static async Task<ImmutableArray<Answer>> RunStepsAsync(Door door, string endpoint, ImmutableArray<Step> steps)
    {
        await using Target target = Target.Of(door, endpoint);
        long revision = await ResetAsync(endpoint);
        var text = new RequestText(revision);
        var answers = ImmutableArray.CreateBuilder<Answer>();
        foreach (Step step in steps)
        {
            if (step.Kind == StepKind.Wait) { await Task.Delay(TimeSpan.FromSeconds(int.Parse(step.Body, CultureInfo.InvariantCulture))); }
            answers.Add(step.Kind == StepKind.Wait ? new Answer(step.Name, revision) : await target.RunAsync(step, text, revision));
        }

        return answers.ToImmutable();
    }

    private static async Task RunTeardownAsync(string endpoint, CaseGroup group)
    {
        await using Target target = Target.Of(Door.Grpc, endpoint);
        var text = new RequestText(0);
        foreach (Step step in Step.ReadAll(group.Teardown)) { await target.RunAsync(step, text, 0); }
    }

    /// <summary>Deletes all keys and leases.</summary>
    /// <returns>The revision then.</returns>
    private static async Task<long> ResetAsync(string endpoint)
    {
        var patience = TimeSpan.FromSeconds(20);
        using var client = new EtcdGrpcClient([new Uri("http://" + endpoint)]);
        ByteString all = ByteString.CopyFrom(0);
        LeaseLeasesResponse leases = await client.CallAsync(EtcdMethods.LeaseLeases, new LeaseLeasesRequest(), patience);
        foreach (LeaseStatus lease in leases.Leases)
        {
            await client.CallAsync(EtcdMethods.LeaseRevoke, new LeaseRevokeRequest { ID = lease.ID }, patience);
        }

        var everything = new DeleteRangeRequest { Key = all, RangeEnd = all };
        return (await client.CallAsync(EtcdMethods.DeleteRange, everything, patience)).Header.Revision;
    }

    /// <summary>The real etcd and one node of ours, both new.</summary>
    private sealed class ServerPair : IDisposable
    {
        private readonly RealEtcd _etcd;
        private readonly ClusterProcesses _ours;

        // Guesses at passwords are cheap here: what they cost is not compared.
        public ServerPair(string etcd, string etcdctl, ImmutableArray<string> arguments)
        {
            string[] flags = ["--bcrypt-cost", "4", .. arguments];
            _etcd = new RealEtcd(etcd, flags);
            _ours = ClusterProcesses.StartReady(1, flags);
            _etcd.WaitUntilReady(etcdctl);
        }

        public string Etcd => _etcd.Endpoint;

        public string Ours => _ours.Endpoints;

        public bool IsEtcdRunning => _etcd.IsRunning;

        public bool AreWeRunning => _ours.Servers[0].IsRunning;

        public bool AreRunning => IsEtcdRunning && AreWeRunning;

        /// <summary>A server that is about to end has ended when this returns.</summary>
        public async Task SettleAsync()
        {
            foreach ((string endpoint, Func<bool> isRunning) in new[] { (Etcd, (Func<bool>)(() => IsEtcdRunning)), (Ours, () => AreWeRunning) })
            {
                for (int i = 0; i < 100 && isRunning() && !await AnswersAsync(endpoint); i++) { await Task.Delay(100); }
            }
        }

        private static async Task<bool> AnswersAsync(string endpoint)
        {
            try
            {
                await ResetAsync(endpoint);
                return true;
            }
            catch (EtcdRpcException e)
            {
                return e.Status != GrpcStatus.Unavailable; // It may answer that nobody may do this.
            }
        }

        public void Dispose()
        {
            _etcd.Dispose();
            _ours.Dispose();
        }
    }
}
