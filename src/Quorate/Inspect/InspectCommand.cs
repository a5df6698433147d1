using System.CommandLine;
using Quorate.Cli;
using Quorate.Core;
using Quorate.Node.Files;
using Quorate.Storage.Engine;

namespace Quorate.Inspect;

/// <summary><c>quorate inspect wal|sst|manifest</c>: reads files of a stopped server. Changes nothing.</summary>
internal static class InspectCommand
{
    /// <summary>Creates the verb.</summary>
    public static Command Create() => new Verb(
        "inspect", "Read the files of a stopped server. Changes nothing. Exit code 12 if something is damaged.",
        "quorate inspect wal ./default.quorate", "quorate inspect manifest ./default.quorate/shards/1/gen-000001/MANIFEST",
        "quorate inspect sst ./default.quorate/shards/1/gen-000001/0000000000000001.sst --records")
    {
        Wal(), Table(), Manifest(),
    };

    private static Verb Wal()
    {
        var path = new Argument<string>("path") { Description = "A data directory, or its directory 'wal'." };
        var records = new Option<bool>("--records") { Description = "Print each record too." };
        Option<string> format = Common.Format();
        var verb = new Verb(
            "wal", "Print the segments and batches of a log, and what opening it would say.",
            "quorate inspect wal ./default.quorate", "quorate inspect wal ./default.quorate --records --format json")
        {
            path, records, format,
        };
        verb.SetAction(parsed =>
        {
            string directory = Existing(parsed.GetValue(path)!);
            if (Directory.Exists(Path.Combine(directory, "wal"))) { directory = Path.Combine(directory, "wal"); }
            using IDisposable? held = Hold(Path.GetDirectoryName(directory)!);
            var writer = new WalWriter(parsed.InvocationConfiguration.Output, Common.IsJson(parsed, format), parsed.GetValue(records));
            return (int)writer.Write(new RealFileSystem(Path.GetDirectoryName(directory)!), Path.GetFileName(directory));
        });
        return verb;
    }

    private static Verb Table()
    {
        var path = new Argument<string>("path") { Description = "A table, *.sst." };
        var records = new Option<bool>("--records") { Description = "Print each record too." };
        Option<string> format = Common.Format();
        var verb = new Verb(
            "sst", "Print a table's properties and blocks, and whether every byte is as it was written.",
            "quorate inspect sst ./default.quorate/shards/1/gen-000001/0000000000000001.sst --records")
        {
            path, records, format,
        };
        verb.SetAction(parsed =>
        {
            bool isJson = Common.IsJson(parsed, format);
            TextWriter output = parsed.InvocationConfiguration.Output;
            (RealFileSystem files, string name) = ExistingFile(parsed.GetValue(path)!);
            TableReport report = TableInspector.Inspect(
                files, name, parsed.GetValue(records) ? record => EngineWriter.Record(output, record, isJson) : null);
            return (int)EngineWriter.Table(output, report, isJson);
        });
        return verb;
    }

    private static Verb Manifest()
    {
        var path = new Argument<string>("path") { Description = "A manifest of an engine." };
        Option<string> format = Common.Format();
        var verb = new Verb(
            "manifest", "Print the edits of a manifest and the tables they lead to.",
            "quorate inspect manifest ./default.quorate/shards/1/gen-000001/MANIFEST")
        {
            path, format,
        };
        verb.SetAction(parsed =>
        {
            (RealFileSystem files, string name) = ExistingFile(parsed.GetValue(path)!);
            return (int)EngineWriter.Manifest(
                parsed.InvocationConfiguration.Output, ManifestInspector.Inspect(files, name), Common.IsJson(parsed, format));
        });
        return verb;
    }

    private static (RealFileSystem Files, string Name) ExistingFile(string path)
    {
        string full = Path.GetFullPath(path);
        return File.Exists(full)
            ? (new RealFileSystem(Path.GetDirectoryName(full)!), Path.GetFileName(full))
            : throw new CliException(ExitCode.Precondition, $"there is no file {path}");
    }

    private static string Existing(string path)
    {
        string full = Path.TrimEndingDirectorySeparator(Path.GetFullPath(path));
        return Directory.Exists(full) ? full : throw new CliException(ExitCode.Precondition, $"there is no directory {path}");
    }

    // A running server changes what is being read. The lock file of a copied directory is absent or free.
    private static DataDirectoryLock? Hold(string dataDirectory)
    {
        if (!File.Exists(Path.Combine(dataDirectory, DataDirectoryLock.FileName))) { return null; }
        try
        {
            return DataDirectoryLock.Take(dataDirectory);
        }
        catch (DataDirectoryInUseException e)
        {
            throw new CliException(ExitCode.Precondition, $"{e.Message}; stop the server, or inspect a copy", e);
        }
        catch (DiskException)
        {
            return null; // Read-only media have no writer either.
        }
    }
}
