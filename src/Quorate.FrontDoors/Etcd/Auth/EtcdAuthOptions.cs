namespace Quorate.FrontDoors.Etcd;

/// <summary>How users show who they are.</summary>
public sealed record EtcdAuthOptions
{
    /// <summary>Greatest <see cref="PasswordCost"/>: a login takes minutes.</summary>
    public const int MaxPasswordCost = 20;

    /// <summary>How long a token is good after its last use, at least. Default: 300 s, as etcd's --auth-token-ttl.</summary>
    public TimeSpan TokenLife { get; init; } = TimeSpan.FromSeconds(300);

    /// <summary>How much work a guess at a password is; one more doubles it. Default: 10, some 100 ms, as etcd's --bcrypt-cost.</summary>
    public int PasswordCost { get; init; } = 10;

    /// <summary>Makes and takes tokens that say themselves whom they are of. Null: tokens are random and the cluster remembers them.</summary>
    public SignedTokens? SignedTokens { get; init; }

    internal IEnumerable<string> Problems()
    {
        if (TokenLife < TimeSpan.FromSeconds(1) || TokenLife > TimeSpan.FromDays(365))
        {
            yield return $"etcd.auth.tokenLife is {TokenLife}; it must be from 1 s to 365 days.";
        }

        if (PasswordCost is < 4 or > MaxPasswordCost)
        {
            yield return $"etcd.auth.passwordCost is {PasswordCost}; it must be from 4 to {MaxPasswordCost}.";
        }
    }
}
