using System.CommandLine;
using Quorate.Cli;
using Quorate.FrontDoors.Etcd.Client;
using Quorate.FrontDoors.Etcd.Protos;

namespace Quorate.Auth;

/// <summary><c>quorate auth enable|disable|status</c>.</summary>
internal static class AuthCommand
{
    /// <summary>Creates the verb.</summary>
    public static Command Create() => new Verb(
        "auth", "Ask for users from now on, or no more.", "quorate auth enable", "quorate auth status", "quorate auth disable --user root")
    {
        new Verb("enable", "Ask for users from now on. Exit code 3 if no user root has the role root.", "quorate auth enable").With(
            EtcdMethods.AuthEnable, static _ => new AuthEnableRequest(), static (output, _, _) => output.WriteLine("Authentication Enabled")),
        new Verb("disable", "Ask for users no more: whoever reaches a port may do everything.", "quorate auth disable --user root").With(
            EtcdMethods.AuthDisable, static _ => new AuthDisableRequest(), static (output, _, _) => output.WriteLine("Authentication Disabled")),
        new Verb("status", "Say whether users are asked for. Anybody may ask.", "quorate auth status", "quorate auth status --format json").With(
            EtcdMethods.AuthStatus, static _ => new AuthStatusRequest(), static (output, _, status) =>
            {
                output.WriteLine($"Authentication Status: {(status.Enabled ? "true" : "false")}");
                output.WriteLine($"AuthRevision: {status.AuthRevision}");
            }),
    };
}
