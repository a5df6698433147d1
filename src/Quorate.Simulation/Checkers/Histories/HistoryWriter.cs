using System.Text.Json;
using System.Text.Json.Nodes;

namespace Quorate.Simulation.Checkers;

/// <summary>Writes a history, a line at a time. Any thread may write; the lines of one process must come in their order.</summary>
public sealed class HistoryWriter : IDisposable
{
    private readonly Stream _stream;
    private readonly Utf8JsonWriter _json;
    private readonly Lock _lock = new();

    /// <summary>Starts a file with its first line.</summary>
    /// <param name="stream">Where to; closed with the writer.</param>
    /// <param name="model">The model to check it by, if there is one.</param>
    /// <param name="about">What a reader should know of the run: seed, version, faults.</param>
    public HistoryWriter(Stream stream, string? model = null, JsonObject? about = null)
    {
        _stream = stream;
        _json = new Utf8JsonWriter(stream);
        _json.WriteStartObject();
        _json.WriteNumber("history"u8, HistoryReader.Version);
        if (model is not null) { _json.WriteString("model"u8, model); }
        if (about is not null)
        {
            _json.WritePropertyName("about"u8);
            about.WriteTo(_json);
        }

        _json.WriteEndObject();
        EndLine();
    }

    /// <summary>Writes a whole history.</summary>
    public static void Write(Stream stream, History history, string? model, JsonObject? about = null)
    {
        using var writer = new HistoryWriter(stream, model, about);
        foreach (HistoryEvent e in history.Events) { writer.Write(e); }
    }

    /// <summary>Writes one line. It is handed to the stream before this returns, so a crash of the recorder loses no line before it.</summary>
    public void Write(HistoryEvent line)
    {
        lock (_lock)
        {
            line.Json.WriteTo(_json);
            EndLine();
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _json.Dispose();
        _stream.Dispose();
    }

    private void EndLine()
    {
        _json.Flush();
        _stream.WriteByte((byte)'\n');
        _json.Reset();
    }
}
