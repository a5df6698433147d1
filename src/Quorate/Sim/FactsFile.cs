using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Quorate.Cli;
using Quorate.Simulation.Figures;

namespace Quorate.Sim;

/// <summary>
/// The file of facts and the page beside it, <c>reliability.json</c> and <c>reliability.md</c>. Each is replaced whole or not at all;
/// several processes may add to them at the same time.
/// </summary>
/// <param name="path">Of the facts; must end in <c>.json</c>. A file that is not there holds no facts.</param>
internal sealed class FactsFile(string path)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    /// <summary>Of the page.</summary>
    public string PagePath => Path.ChangeExtension(path, ".md");

    /// <summary>Changes the facts and makes the page anew. If the change throws, both stay as they were.</summary>
    /// <exception cref="CliException">The file is not one of facts, or another process holds it for too long.</exception>
    public void Change(Action<ReliabilityFacts> change)
    {
        if (!path.EndsWith(".json", StringComparison.Ordinal)) { throw new CliException(ExitCode.Usage, $"{path}: a file of facts ends in .json; the page is written beside it"); }
        string directory = Path.GetDirectoryName(Path.GetFullPath(path))!;
        if (!Directory.Exists(directory)) { throw new CliException(ExitCode.Precondition, $"there is no directory {directory}"); }
        using FileStream held = Hold();
        ReliabilityFacts facts = Read();
        change(facts);
        Replace(path, facts.ToJson());
        Replace(PagePath, ReliabilityPage.Write(facts));
    }

    private ReliabilityFacts Read()
    {
        try
        {
            return File.Exists(path) ? ReliabilityFacts.Parse(File.ReadAllText(path)) : new();
        }
        catch (JsonException e)
        {
            throw new CliException(ExitCode.Usage, $"{path} is no file of facts: {e.Message}", e);
        }
    }

    // The lock is a file of its own, since the one with the facts is replaced; it stays, since deleting it would race with the next holder.
    private FileStream Hold()
    {
        byte[] name = SHA256.HashData(Encoding.UTF8.GetBytes(Path.GetFullPath(path)));
        string file = Path.Combine(Path.GetTempPath(), $"quorate-facts-{Convert.ToHexStringLower(name.AsSpan(0, 8))}.lock");
        DateTime until = DateTime.UtcNow + Patience;
        while (true)
        {
            try
            {
                return new FileStream(file, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            }
            catch (IOException e) when (DateTime.UtcNow >= until)
            {
                throw new CliException(ExitCode.Failed, $"{path} is held by another process: {e.Message}", e);
            }
            catch (IOException)
            {
                Thread.Sleep(50);
            }
        }
    }

    private static void Replace(string file, string text)
    {
        string draft = string.Create(CultureInfo.InvariantCulture, $"{file}.{Environment.ProcessId}.tmp");
        using (var stream = new FileStream(draft, FileMode.Create))
        {
            stream.Write(Encoding.UTF8.GetBytes(text));
            stream.Flush(flushToDisk: true);
        }

        File.Move(draft, file, overwrite: true);
    }
}
