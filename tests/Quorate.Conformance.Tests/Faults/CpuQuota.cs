using System.Globalization;

namespace Quorate.Conformance.Tests.Faults;

/// <summary>A part of one processor for a process, by the cpu controller of control groups, version 1.</summary>
internal sealed class CpuQuota : IDisposable
{
    private const string Root = "/sys/fs/cgroup/cpu";
    private const string Prefix = "quorate-lab-";
    private const int PeriodMicros = 20_000; // Short, so that a slow process is slow all the time and not stopped for long.

    private static int _groups;

    private readonly string _group;
    private readonly string _members;
    private bool _isLifted;

    private CpuQuota(string group)
    {
        _group = group;
        _members = Path.Combine(group, "cgroup.procs");
    }

    /// <summary>Why there is no such limit on this machine; null if there is.</summary>
    public static string? Unavailable =>
        File.Exists(Path.Combine(Root, "cpu.cfs_quota_us")) ? null : "there is no cpu controller of control groups, version 1";

    /// <summary>Limits a process until Dispose; null if it has ended.</summary>
    public static CpuQuota? TryLimit(ServerProcess server, int percent)
    {
        RemoveStale();
        string name = string.Create(CultureInfo.InvariantCulture, $"{Prefix}{Environment.ProcessId}-{Interlocked.Increment(ref _groups)}");
        var quota = new CpuQuota(Directory.CreateDirectory(Path.Combine(Root, name)).FullName);
        try
        {
            Write(Path.Combine(quota._group, "cpu.cfs_period_us"), PeriodMicros);
            Write(Path.Combine(quota._group, "cpu.cfs_quota_us"), PeriodMicros * percent / 100);
            Write(quota._members, server.ProcessId);
            return quota;
        }
        catch (Exception e) when (e is IOException or InvalidOperationException)
        {
            quota.Dispose();
            return null;
        }
    }

    public void Dispose()
    {
        if (_isLifted) { return; }
        _isLifted = true;
        Remove(_group);
    }

    private static void RemoveStale()
    {
        foreach (string group in Directory.EnumerateDirectories(Root, Prefix + "*"))
        {
            string owner = Path.GetFileName(group)[Prefix.Length..].Split('-')[0];
            if (!Directory.Exists("/proc/" + owner)) { Remove(group); }
        }
    }

    // A group that has members cannot be removed; one whose last member has just ended may need a moment.
    private static void Remove(string group)
    {
        for (int attempt = 0; attempt < 50 && Directory.Exists(group); attempt++)
        {
            try
            {
                foreach (string member in File.ReadAllLines(Path.Combine(group, "cgroup.procs")))
                {
                    Write(Path.Combine(Root, "cgroup.procs"), int.Parse(member, CultureInfo.InvariantCulture));
                }

                Directory.Delete(group);
            }
            catch (IOException)
            {
                Thread.Sleep(20);
            }
        }
    }

    private static void Write(string file, int value) => File.WriteAllText(file, value.ToString(CultureInfo.InvariantCulture));
}
