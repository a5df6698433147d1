using System.CommandLine;
using System.Globalization;
using Quorate.Cli;
using Quorate.FrontDoors.Etcd.Client;
using Quorate.FrontDoors.Etcd.Protos;
using Quorate.Host;
using Quorate.Kv;

namespace Quorate.Health;

/// <summary><c>quorate health</c>.</summary>
internal static class HealthCommand
{
    /// <summary>Creates the verb.</summary>
    public static Command Create()
    {
        var cluster = new Option<bool>("--cluster") { Description = "Ask all members that the endpoints tell of, not only the endpoints." };
        var watch = new Option<bool>("--watch") { Description = "Look again and again until Ctrl+C, and print what changes (JSON: every look)." };
        var interval = new Option<double>("--interval")
        {
            Description = "Seconds between two looks. Default: 1.",
            HelpName = "seconds",
            DefaultValueFactory = _ => 1,
        };
        var count = new Option<int>("--count") { Description = "Looks to take with --watch. Default: 0, until Ctrl+C.", HelpName = "number" };
        var (endpoints, timeout, format) = (Common.Endpoints(), Common.Timeout(), Common.Format());
        var verb = new Verb(
            "health",
            "Say of each endpoint whether it is well: reachable, with a leader, not far behind, without alarms, answering a linearizable read. "
            + "Exit code 10 if one is not, 4 if none can be reached.",
            "quorate health", "quorate health --cluster --format json", "quorate health --endpoints http://127.0.0.1:2379,http://127.0.0.1:22379 --watch")
        {
            cluster, watch, interval, count, endpoints, timeout, format,
        };
        verb.SetAction(async (parsed, _) =>
        {
            TimeSpan wait = Common.TimeoutOf(parsed, timeout);
            EndpointAccess access = endpoints.Access(parsed);
            bool isJson = Common.IsJson(parsed, format);
            TextWriter output = parsed.InvocationConfiguration.Output;
            double pause = parsed.GetValue(interval);
            if (pause is not (>= 0.1 and <= 3600)) { throw new CliException(ExitCode.Usage, $"--interval is {pause}; it must be 0.1 to 3600 seconds."); }
            int looks = !parsed.GetValue(watch) ? 1 : parsed.GetValue(count) is > 0 and int wanted ? wanted : int.MaxValue;
            Uri[] asked = Common.EndpointUris(parsed, endpoints);
            if (parsed.GetValue(cluster)) { asked = await MembersAsync(asked, access with { Keyspace = null }, wait); }
            using var signals = new StopSignals();
            return (int)await RunAsync(asked, access, wait, TimeSpan.FromSeconds(pause), looks, isJson, output, signals.Token);
        });
        return verb;
    }

    private static async Task<ExitCode> RunAsync(
        Uri[] endpoints, EndpointAccess access, TimeSpan timeout, TimeSpan pause, int looks, bool isJson, TextWriter output, CancellationToken stop)
    {
        ExitCode code = ExitCode.Ok;
        string gist = "";
        for (int i = 0; i < looks; i++)
        {
            HealthLook look = await HealthLook.TakeAsync(endpoints, access, timeout, CancellationToken.None);
            code = look.Code;
            if (isJson)
            {
                output.WriteLine(look.Json().ToJsonString());
            }
            else if (look.Gist != gist)
            {
                if (looks > 1) { output.WriteLine(DateTimeOffset.Now.ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture)); }
                look.Write(output);
            }

            output.Flush();
            gist = look.Gist;
            if (i + 1 < looks) { await Task.Delay(pause, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing); }
            if (stop.IsCancellationRequested) { break; }
        }

        return code;
    }

    // Members that have not started yet have no URL.
    private static async Task<Uri[]> MembersAsync(Uri[] endpoints, EndpointAccess access, TimeSpan timeout)
    {
        using EtcdGrpcClient client = access.Connect(endpoints);
        MemberListResponse members = await Rpc.CallAsync(
            client, EtcdMethods.MemberList, new MemberListRequest(), timeout, isWrite: false, CancellationToken.None);
        Uri[] urls = [.. members.Members.Where(m => m.ClientURLs.Count > 0).Select(m => new Uri(m.ClientURLs[0]))];
        return urls.Length > 0 ? urls : endpoints;
    }
}
