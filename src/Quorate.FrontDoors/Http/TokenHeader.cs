using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;
using Microsoft.Net.Http.Headers;

namespace Quorate.FrontDoors.Http;

/// <summary>Where a request brings the token that says who sends it.</summary>
internal static class TokenHeader
{
    /// <summary>Metadata of etcd's clients.</summary>
    public const string Grpc = "token";

    /// <summary>The metadata <c>token</c> of etcd's clients, through the JSON gateway.</summary>
    public const string Json = "Grpc-Metadata-Token";

    private const string Bearer = "Bearer ";

    /// <summary>The token, or else what <c>authorization</c> says; null without either. Allocates only to cut off "Bearer ".</summary>
    public static string? Of(IHeaderDictionary headers, string name)
    {
        StringValues values = headers[name];
        if (values.Count == 0) { values = headers[HeaderNames.Authorization]; }
        if (values.Count == 0) { return null; }
        return WithoutBearer(values[0] ?? "");
    }

    /// <summary>What an <c>authorization</c> says.</summary>
    public static string? WithoutBearer(string? token) =>
        token?.StartsWith(Bearer, StringComparison.Ordinal) == true ? token[Bearer.Length..] : token;
}
