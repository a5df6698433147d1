namespace Quorate.Replication;

/// <summary>The data directory is not this node's. Nothing in it was changed.</summary>
public sealed class WrongDataDirectoryException : IOException
{
    /// <summary>Creates the exception.</summary>
    public WrongDataDirectoryException(string message)
        : base(message)
    {
    }
}
