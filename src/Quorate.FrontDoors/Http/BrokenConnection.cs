using Microsoft.AspNetCore.Http;
using Quorate.Core;

namespace Quorate.FrontDoors.Http;

/// <summary>Tells a client that went away from a disk that does not read: both come as an <see cref="IOException"/>.</summary>
internal static class BrokenConnection
{
    /// <summary>True if the connection or the request broke, so that nobody reads an answer.</summary>
    public static bool IsCauseOf(Exception exception) => exception is
        (IOException and not (CorruptFileException or DiskException)) or BadHttpRequestException;
}
