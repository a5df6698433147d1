using System.Text;

namespace Quorate.Host;

/// <summary>The name that this program was called by: a link named <c>etcd</c> makes it take etcd's command line.</summary>
internal static class ProgramName
{
    /// <summary>True if it was started as <c>etcd</c>.</summary>
    public static bool IsEtcd { get; } = Path.GetFileName(ZerothArgument()) == "etcd";

    // .NET replaces the zeroth argument by the assembly's path; the kernel has the one that was given.
    private static string ZerothArgument()
    {
        try
        {
            byte[] all = File.ReadAllBytes("/proc/self/cmdline");
            int end = Array.IndexOf(all, (byte)0);
            return Encoding.UTF8.GetString(all, 0, Math.Max(end, 0));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return ""; // Without /proc it is called quorate.
        }
    }
}
