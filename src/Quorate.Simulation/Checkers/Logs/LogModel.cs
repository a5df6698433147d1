using System.Text.Json;

namespace Quorate.Simulation.Checkers;

/// <summary>
/// Partitions of a log. <c>send</c> key (the partition), value -> offset; <c>assign</c> key, offset?: the process reads on from there;
/// <c>poll</c> key -> records: [[offset, value], ...]; <c>drain</c> key -> records: the whole partition, first to last.
/// </summary>
/// <remarks>Every value is sent once in a history. Offsets may have gaps; nothing is deleted. Unanswered sends may have happened or not.</remarks>
internal sealed class LogModel : IModel
{
    public string Name => "log";

    public string About => "a partitioned log: acknowledged records are never lost, doubled, reordered or invented; consumers skip nothing";

    public Verdict Check(History history, CheckOptions options)
    {
        var findings = new Findings(history, options);
        var partitions = new SortedDictionary<string, LogPartition>(StringComparer.Ordinal);
        foreach (HistoryOperation operation in history.Operations)
        {
            string key = operation.Key ?? throw new HistoryException(operation.Invoke.Line, "\"key\" is missing; it names the partition.");
            if (!partitions.TryGetValue(key, out LogPartition? partition)) { partitions.Add(key, partition = new LogPartition(key, findings)); }
            partition.Take(operation);
        }

        foreach (LogPartition partition in partitions.Values) { partition.Check(); }
        return new Verdict
        {
            Model = Name,
            Operations = history.Operations.Count,
            Unknown = history.Unknown,
            Keys = partitions.Count,
            Figures = [Values.Count(partitions.Values.Sum(p => p.Acknowledged), "acknowledged record"), $"{partitions.Values.Sum(p => p.Read)} read"],
            Violations = findings.All,
        };
    }
}

/// <summary>The operations on one partition.</summary>
internal sealed class LogPartition(string name, Findings findings)
{
    private readonly Dictionary<string, HistoryOperation> _sends = [];
    private readonly List<(HistoryOperation Operation, long Offset, string Value)> _acknowledged = [];
    private readonly List<LogRead> _reads = [];
    private readonly SortedDictionary<long, (string Value, HistoryOperation By)> _records = [];
    private readonly Dictionary<string, (long Offset, HistoryOperation By)> _offsets = [];

    /// <summary>Sends that were answered.</summary>
    public int Acknowledged => _acknowledged.Count;

    /// <summary>Records in all polls and drains.</summary>
    public int Read => _reads.Sum(r => r.Records.Length);

    /// <summary>Takes the next operation, in the order of asking of each process.</summary>
    public void Take(HistoryOperation operation)
    {
        var asked = new JsonMembers(operation.Invoke.Line, operation.Invoke.Json);
        switch (operation.Function)
        {
            case "send":
                string value = Values.TextOf(operation.Invoke.Value) ?? throw asked.Bad("send has no \"value\"; it is the record");
                if (!_sends.TryAdd(value, operation)) { throw asked.Bad($"{value} is sent a second time; give every record a value of its own"); }
                if (operation.Outcome == HistoryOutcome.Ok)
                {
                    _acknowledged.Add((operation, new JsonMembers(operation.Completion!.Line, operation.Completion.Json).Number("offset"), value));
                }

                break;
            case "poll" or "drain":
                if (operation.Outcome == HistoryOutcome.Ok) { _reads.Add(new LogRead(operation, Records(operation.Completion!), null)); }
                break;
            case "assign":
                if (operation.Outcome == HistoryOutcome.Ok) { _reads.Add(new LogRead(operation, [], asked.Has("offset") ? asked.Number("offset") : null)); }
                break;
            default:
                throw asked.Bad($"the log model knows send, poll, drain and assign, and this is \"{operation.Function}\"");
        }
    }

    /// <summary>Compares what was read with what was sent.</summary>
    public void Check()
    {
        foreach ((HistoryOperation operation, long offset, string value) in _acknowledged) { Place(offset, value, operation); }
        foreach (LogRead read in _reads)
        {
            foreach ((long offset, string value) in read.Records)
            {
                CheckSent(read.Operation, value);
                Place(offset, value, read.Operation);
            }
        }

        if (findings.All.Count > 0) { return; }
        CheckSendOrder();
        CheckDrains();
        CheckConsumers();
    }

    private void Place(long offset, string value, HistoryOperation by)
    {
        if (!_records.TryAdd(offset, (value, by)) && _records[offset].Value != value)
        {
            findings.Add(
                "two values at one offset",
                $"Offset {offset} of the log {name} was {_records[offset].Value} for one client and {value} for another.",
                Shown(_records[offset].By),
                Shown(by));
        }

        if (!_offsets.TryAdd(value, (offset, by)) && _offsets[value].Offset != offset)
        {
            findings.Add(
                "doubled record",
                $"{value} was sent once to the log {name}, and stands at offset {_offsets[value].Offset} and at offset {offset}.",
                Shown(_offsets[value].By),
                Shown(by));
        }
    }

    private void CheckSent(HistoryOperation read, string value)
    {
        if (!_sends.TryGetValue(value, out HistoryOperation? send))
        {
            findings.Add("invented record", $"{value} was read from the log {name}, and nobody sent it.", Shown(read));
        }
        else if (send.Outcome == HistoryOutcome.Failed)
        {
            findings.Add("refused record", $"{value} was read from the log {name}, and its send was refused as without effect.", Shown(send), Shown(read));
        }
        else if (send.Invoked > read.Returned)
        {
            findings.Add("record of the future", $"{value} was read from the log {name} before it was sent.", Shown(read), Shown(send));
        }
    }

    // A record sent after another was acknowledged stands behind it.
    private void CheckSendOrder()
    {
        (HistoryOperation Operation, long Offset, string Value)[] byAnswer = [.. _acknowledged.OrderBy(a => a.Operation.Returned)];
        (HistoryOperation? Operation, long Offset, string Value) highest = (null, -1, "");
        int next = 0;
        foreach ((string value, (long offset, _)) in _offsets.OrderBy(o => _sends[o.Key].Invoked))
        {
            HistoryOperation send = _sends[value];
            for (; next < byAnswer.Length && byAnswer[next].Operation.Returned < send.Invoked; next++)
            {
                if (byAnswer[next].Offset > highest.Offset) { highest = byAnswer[next]; }
            }

            if (highest.Operation is { } earlier && offset < highest.Offset)
            {
                findings.Add(
                    "records reordered",
                    $"{value} was sent to the log {name} after {highest.Value} had been acknowledged, and stands before it, at offset {offset} and {highest.Offset}.",
                    Shown(earlier),
                    Shown(send));
            }
        }
    }

    private void CheckDrains()
    {
        foreach (LogRead drain in _reads.Where(r => r.Operation.Function == "drain"))
        {
            HashSet<string> read = [.. drain.Records.Select(r => r.Value)];
            foreach ((HistoryOperation send, long offset, string value) in _acknowledged)
            {
                if (send.Returned < drain.Operation.Invoked && !read.Contains(value))
                {
                    findings.Add(
                        "lost record",
                        $"{value} was acknowledged at offset {offset} of the log {name}, and a later read of the whole log does not show it.",
                        Shown(send),
                        Shown(drain.Operation));
                }
            }
        }
    }

    // Where a consumer read offset 5 and then 8, no record may be known at 6 or 7: offsets below one that is read are settled.
    private void CheckConsumers()
    {
        long[] known = [.. _records.Keys];
        foreach (IGrouping<int, LogRead> consumer in _reads.GroupBy(r => r.Operation.Process))
        {
            long? last = null;
            HistoryOperation? before = null;
            foreach (LogRead read in consumer.OrderBy(r => r.Operation.Index))
            {
                if (read.Operation.Function == "assign")
                {
                    (last, before) = (read.From - 1, null);
                    continue;
                }

                // A drain is a reading of its own, from the first record on.
                bool isDrain = read.Operation.Function == "drain";
                long? position = isDrain ? -1 : last;
                foreach ((long offset, string value) in read.Records)
                {
                    if (position is { } previous && !CheckStep(read.Operation, before, previous, offset, value, known)) { return; }
                    (position, before) = (offset, read.Operation);
                }

                if (!isDrain) { last = position; }
            }
        }
    }

    private bool CheckStep(HistoryOperation read, HistoryOperation? before, long previous, long offset, string value, long[] known)
    {
        if (offset <= previous)
        {
            findings.Add("reading goes back", $"A consumer of the log {name} had read up to offset {previous}, and was given {value} at offset {offset}.", Steps());
            return false;
        }

        int found = Array.BinarySearch(known, previous + 1);
        int next = found >= 0 ? found : ~found;
        if (known[next] >= offset) { return true; }
        (string skipped, HistoryOperation by) = _records[known[next]];
        findings.Add(
            by.Function == "send" ? "lost record" : "skipped record",
            $"A consumer of the log {name} went from offset {previous} to {offset}, past {skipped} at offset {known[next]}.",
            [Shown(by), .. Steps()]);
        return false;

        (HistoryOperation, string)[] Steps() => before is null ? [Shown(read)] : [Shown(before), Shown(read)];
    }

    private static (long Offset, string Value)[] Records(HistoryEvent answer)
    {
        JsonElement list = answer.Member("records");
        if (list.ValueKind != JsonValueKind.Array) { throw Bad(); }
        return [.. list.EnumerateArray().Select(record =>
            record.ValueKind == JsonValueKind.Array && record.GetArrayLength() == 2 && record[0].ValueKind == JsonValueKind.Number
            && record[0].TryGetInt64(out long offset) && offset >= 0 && Values.TextOf(record[1]) is { } value
                ? (offset, value)
                : throw Bad())];

        HistoryException Bad() => new(answer.Line, "\"records\" must be a list of [offset, value].");
    }

    private static (HistoryOperation Operation, string Label) Shown(HistoryOperation operation) => (operation, operation.Function switch
    {
        "send" when operation.Outcome == HistoryOutcome.Ok =>
            $"send {Values.TextOf(operation.Invoke.Value)}: offset {operation.Completion!.Member("offset").GetRawText()}",
        "send" => $"send {Values.TextOf(operation.Invoke.Value)}: {(operation.IsUnknown ? "no answer" : "failed")}",
        _ => $"{operation.Function}: {Values.List([.. Records(operation.Completion!).Select(r => $"{r.Offset}={r.Value}")], shown: 5)}",
    });

    private sealed record LogRead(HistoryOperation Operation, (long Offset, string Value)[] Records, long? From);
}
