using Quorate.FrontDoors.Etcd.Protos;

namespace Quorate.FrontDoors.Etcd.Client;

/// <summary>A user as a client knows it. Its text is the name alone.</summary>
/// <param name="Name">The user's.</param>
/// <param name="Password">In plain text; sent to the server by the first call.</param>
public sealed record EtcdUser(string Name, string Password)
{
    /// <inheritdoc/>
    public override string ToString() => Name;
}

/// <summary>The token of one client's user: asked for when it is first needed, and again when a server does not know it. Any thread.</summary>
internal sealed class EtcdLogin : IDisposable
{
    // A stream is not tried again, so it begins with a token of which a server is not likely to have heard too little, or too long ago.
    private static readonly TimeSpan FreshTime = TimeSpan.FromSeconds(30);

    // The last is said to a token that was not sent: users were not asked for when the client began.
    private static readonly string[] AboutToken =
        [EtcdErrors.InvalidAuthToken.Message, EtcdErrors.OldAuthRevision.Message, EtcdErrors.UserNameEmpty.Message];

    private readonly SemaphoreSlim _gate = new(1);
    private readonly Func<TimeSpan, CancellationToken, Task<AuthenticateResponse>> _authenticate;
    private volatile Made? _made;

    /// <param name="authenticate">Asks a server, within a time.</param>
    public EtcdLogin(Func<TimeSpan, CancellationToken, Task<AuthenticateResponse>> authenticate) => _authenticate = authenticate;

    /// <summary>True of a server's words that tell that nothing happened, and that another token may help.</summary>
    public static bool IsAboutToken(EtcdRpcException e) => AboutToken.Contains(e.Message);

    /// <summary>The token to send; empty while the servers ask for no users, as etcdctl has it.</summary>
    /// <param name="isForStream">True: one that was just given.</param>
    /// <param name="timeout">Time to get one.</param>
    /// <param name="stop">Stops waiting.</param>
    /// <exception cref="EtcdRpcException">There is none to be had; what the token is for was not sent.</exception>
    public async ValueTask<string> TokenAsync(bool isForStream, TimeSpan timeout, CancellationToken stop)
    {
        if (IsGood(_made, isForStream, out string token)) { return token; }
        await EnterAsync(stop).ConfigureAwait(false);
        try
        {
            if (IsGood(_made, isForStream, out token)) { return token; }
            token = await AskAsync(timeout, stop).ConfigureAwait(false);
            _made = new Made(token, Environment.TickCount64);
            return token;
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <summary>A server did not take the token: the next call asks for another.</summary>
    public void Forget(string token)
    {
        Made? made = _made;
        if (made?.Token == token) { Interlocked.CompareExchange(ref _made, null, made); }
    }

    /// <inheritdoc/>
    public void Dispose() => _gate.Dispose();

    private static bool IsGood(Made? made, bool isForStream, out string token)
    {
        token = made?.Token ?? "";
        return made is not null && (!isForStream || Environment.TickCount64 - made.Milliseconds < FreshTime.TotalMilliseconds);
    }

    private async Task EnterAsync(CancellationToken stop)
    {
        try
        {
            await _gate.WaitAsync(stop).ConfigureAwait(false);
        }
        catch (OperationCanceledException e)
        {
            throw new EtcdRpcException(GrpcStatus.Canceled, "context canceled", wasSent: false, e);
        }
    }

    private async Task<string> AskAsync(TimeSpan timeout, CancellationToken stop)
    {
        try
        {
            return (await _authenticate(timeout, stop).ConfigureAwait(false)).Token;
        }
        catch (EtcdRpcException e) when (e.Message == EtcdErrors.AuthNotEnabled.Message)
        {
            return "";
        }
        catch (EtcdRpcException e) when (EtcdFailures.Of(e.Status, e.Message, e.WasSent) == EtcdFailure.Unknown)
        {
            // Nobody knows whether there is a token now; of the call that wanted it nothing was sent.
            throw new EtcdRpcException(e.Status, "no token could be got: " + e.Message, wasSent: false, e);
        }
    }

    private sealed record Made(string Token, long Milliseconds);
}
