using Proto = Quorate.FrontDoors.Etcd.Protos;

namespace Quorate.Client;

/// <summary>The user's token: fetched when first needed, when it has become old, and when a server does not take it. Any thread.</summary>
internal sealed class TokenKeeper(ITransport transport, QuorateClientOptions options) : IDisposable
{
    private readonly SemaphoreSlim _gate = new(1, 1);
    private readonly Proto.AuthenticateRequest? _who =
        options.User is null ? null : new() { Name = options.User, Password = options.Password };

    private volatile Token? _current;

    /// <summary>False: there is no user, and so never a token.</summary>
    public bool HasUser => _who is not null;

    /// <summary>The token to send; null: none.</summary>
    /// <param name="endpoint">Where to log in, if need be: where the request goes too.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <exception cref="RpcFailure">It could not be fetched. The request it is for was not sent, unless the password is wrong.</exception>
    public async ValueTask<string?> GetAsync(Uri endpoint, CancellationToken cancellationToken)
    {
        if (_who is null) { return null; }
        if (Fresh() is { } token) { return token.Text; }
        await _gate.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            if (Fresh() is { } fetched) { return fetched.Text; }
            long asked = options.Time.GetTimestamp();
            _current = new(await FetchAsync(endpoint, _who, cancellationToken).ConfigureAwait(false), asked);
            return _current.Text;
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <summary>A server did not take this one. If it is still the current one, the next call fetches another.</summary>
    public void Reject(string? text)
    {
        if (_current is { } current && current.Text == text) { _current = null; }
    }

    public void Dispose() => _gate.Dispose();

    private Token? Fresh() =>
        _current is { } token && options.Time.GetElapsedTime(token.Asked) < options.TokenAge ? token : null;

    private async Task<string?> FetchAsync(Uri endpoint, Proto.AuthenticateRequest who, CancellationToken cancellationToken)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        stop.CancelAfter(options.AttemptTimeout);
        try
        {
            Proto.AuthenticateResponse answer = await transport.CallAsync(
                endpoint, Rpcs.Authenticate, who, new(Token: null, options.AttemptTimeout), stop.Token).ConfigureAwait(false);
            return answer.Token;
        }
        catch (RpcFailure e) when (e.Message == FailureJudge.AuthNotEnabled)
        {
            return null; // As clientv3: a user may be given before it is needed.
        }
        catch (RpcFailure e) when (FailureJudge.Of(e) != Verdict.Final)
        {
            // To log in twice does no harm, and the request itself was not sent.
            throw new RpcFailure(e.Status, $"{options.User} could not log in: {e.Message}", wasSent: false, e);
        }
        catch (OperationCanceledException e) when (!cancellationToken.IsCancellationRequested)
        {
            throw new RpcFailure(StatusCode.Unavailable, $"{options.User} could not log in: {endpoint} does not answer", wasSent: false, e);
        }
    }

    private sealed record Token(string? Text, long Asked);
}
