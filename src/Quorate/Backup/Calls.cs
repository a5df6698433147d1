using Quorate.Cli;
using Quorate.FrontDoors.Etcd.Client;

namespace Quorate.Backup;

/// <summary>What a failed call means to whoever asked for a copy.</summary>
internal static class Calls
{
    /// <summary>Runs it; a failed call ends the verb with its words. It changed nothing on the server.</summary>
    public static async Task<T> RunAsync<T>(Func<Task<T>> call)
    {
        try
        {
            return await call();
        }
        catch (EtcdRpcException e)
        {
            throw new CliException(CommandLine.CodeOf(e, isWrite: false), e.Message, e);
        }
    }
}
