using System.Globalization;

namespace Quorate.Conformance.Tests.Faults;

/// <summary>A limit of processor time or of memory for one process, by control groups, version 1.</summary>
internal sealed class ControlGroup : IDisposable
{
    private const string Root = "/sys/fs/cgroup";
    private const string Prefix = "quorate-lab-";
    private const int PeriodMicros = 20_000; // Short, so that a slow process is slow all the time and not stopped for long.

    private static int _groups;

    private readonly string _controller;
    private readonly string _group;
    private bool _isLifted;

    private ControlGroup(string controller)
    {
        _controller = Path.Combine(Root, controller);
        RemoveStale();
        string name = string.Create(CultureInfo.InvariantCulture, $"{Prefix}{Environment.ProcessId}-{Interlocked.Increment(ref _groups)}");
        _group = Directory.CreateDirectory(Path.Combine(_controller, name)).FullName;
    }

    /// <summary>Why there is no limit of processor time on this machine; null if there is.</summary>
    public static string? ProcessorUnavailable => Unavailable("cpu", "cpu.cfs_quota_us");

    /// <summary>Why there is no limit of memory on this machine; null if there is.</summary>
    public static string? MemoryUnavailable => Unavailable("memory", "memory.oom_control");

    /// <summary>In how many periods the process had to wait for the next one.</summary>
    public long TimesHeldBack => Number("cpu.stat", "nr_throttled");

    /// <summary>How many processes the kernel killed for want of memory.</summary>
    public long OutOfMemoryKills => Number("memory.oom_control", "oom_kill");

    /// <summary>Gives a process this part of one processor until Dispose; null if it has ended.</summary>
    public static ControlGroup? TryLimitProcessor(ServerProcess server, int percent) => Try(
        server, "cpu", ("cpu.cfs_period_us", PeriodMicros), ("cpu.cfs_quota_us", PeriodMicros * percent / 100));

    /// <summary>
    /// Gives a process no more than this much memory on top of what it has, until Dispose; null if it has ended. It is killed as soon
    /// as it needs more.
    /// </summary>
    public static ControlGroup? TryLimitMemory(ServerProcess server, int bytes) => Try(server, "memory", ("memory.limit_in_bytes", bytes));

    public void Dispose()
    {
        if (_isLifted) { return; }
        _isLifted = true;
        Remove(_group);
    }

    private static string? Unavailable(string controller, string file) =>
        File.Exists(Path.Combine(Root, controller, file)) ? null : $"there is no {controller} controller of control groups, version 1";

    private static ControlGroup? Try(ServerProcess server, string controller, params ReadOnlySpan<(string File, int Value)> limits)
    {
        var group = new ControlGroup(controller);
        try
        {
            foreach ((string file, int value) in limits) { Write(Path.Combine(group._group, file), value); }
            Write(Path.Combine(group._group, "cgroup.procs"), server.ProcessId);
            return group;
        }
        catch (Exception e) when (e is IOException or InvalidOperationException)
        {
            group.Dispose();
            return null;
        }
    }

    private void RemoveStale()
    {
        foreach (string group in Directory.EnumerateDirectories(_controller, Prefix + "*"))
        {
            string owner = Path.GetFileName(group)[Prefix.Length..].Split('-')[0];
            if (!Directory.Exists("/proc/" + owner)) { Remove(group); }
        }
    }

    // A group that has members cannot be removed; one whose last member has just ended may need a moment.
    private void Remove(string group)
    {
        for (int attempt = 0; attempt < 50 && Directory.Exists(group); attempt++)
        {
            try
            {
                foreach (string member in File.ReadAllLines(Path.Combine(group, "cgroup.procs")))
                {
                    Write(Path.Combine(_controller, "cgroup.procs"), int.Parse(member, CultureInfo.InvariantCulture));
                }

                Directory.Delete(group);
            }
            catch (IOException)
            {
                Thread.Sleep(20);
            }
        }
    }

    private long Number(string file, string name)
    {
        string? line = File.ReadLines(Path.Combine(_group, file)).FirstOrDefault(l => l.StartsWith(name + " ", StringComparison.Ordinal));
        return line is null ? 0 : long.Parse(line.AsSpan(name.Length + 1), CultureInfo.InvariantCulture);
    }

    private static void Write(string file, int value) => File.WriteAllText(file, value.ToString(CultureInfo.InvariantCulture));
}
