namespace Quorate.FrontDoors.Etcd;

/// <summary>Who may call an RPC while users are asked for; etcd 3.7's rules.</summary>
internal enum EtcdAccess
{
    /// <summary>Not declared: no table may say so, and a test sees to it.</summary>
    Undeclared = 0,

    /// <summary>Anybody, with or without a user: how one becomes somebody.</summary>
    Everyone,

    /// <summary>Whoever has shown to be a user.</summary>
    AnyUser,

    /// <summary>Users with the role root.</summary>
    Root,

    /// <summary>
    /// That depends on what is asked for. The handler takes the caller along: <see cref="EtcdService"/> sends it with each command, so that the
    /// machine judges it where the command is applied, and judges each read against the view that is read.
    /// </summary>
    ByRequest,
}
