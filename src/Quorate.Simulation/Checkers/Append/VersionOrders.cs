namespace Quorate.Simulation.Checkers;

/// <summary>
/// What the reads tell about the order of appends. A list keeps its whole past, so the longest read of it is the order of its versions,
/// and every other read must be a beginning of that (Kingsbury and Alvaro, "Elle", 2020).
/// </summary>
internal static class VersionOrders
{
    /// <summary>Finds reads that no serial run can give, and each list's order.</summary>
    /// <returns>The transactions that certainly committed: answered ones, and unanswered ones of which something was read.</returns>
    public static List<Transaction> Find(AppendParser parsed, AppendFindings findings)
    {
        foreach (AppendList list in parsed.Lists) { CheckReads(list, findings); }
        var committed = parsed.Transactions.Where(t => t.Source.Outcome == HistoryOutcome.Ok || (t.Source.IsUnknown && t.Appends.Any(a => a.List.Seen.Contains(a.Value)))).ToList();
        for (int i = 0; i < committed.Count; i++) { committed[i].Node = i; }
        foreach (AppendList list in parsed.Lists) { Order(list, findings); }
        return committed;
    }

    private static readonly string[] NoValues = [];

    private static void CheckReads(AppendList list, AppendFindings findings)
    {
        foreach (ListRead read in list.Reads)
        {
            var met = new HashSet<string>();
            foreach (string value in read.Seen)
            {
                list.Seen.Add(value);
                if (!met.Add(value)) { findings.Add("duplicate", $"A read of {list.Name} shows {value} twice; it was appended once.", read.By); }
                if (!list.Appends.TryGetValue(value, out ListAppend? append))
                {
                    findings.Add("garbage read", $"A read of {list.Name} shows {value}, which nobody appended.", read.By);
                }
                else if (append.By.Source.Outcome == HistoryOutcome.Failed)
                {
                    findings.Add("G1a (aborted read)", $"A read of {list.Name} shows {value}, whose transaction was aborted.", append.By, read.By);
                }
                else if (append.By == read.By)
                {
                    findings.Add("internal inconsistency", $"A transaction reads {value} in {list.Name} before it appends it.", read.By);
                }
            }

            if (read.Seen.Length > 0 && list.Appends.TryGetValue(read.Seen[^1], out ListAppend? last) && !last.IsFinal && last.By != read.By)
            {
                findings.Add(
                    "G1b (intermediate read)",
                    $"A read of {list.Name} ends in {last.Value}, after which the same transaction appended more: it was seen half done.",
                    last.By, read.By);
            }
        }
    }

    private static void Order(AppendList list, AppendFindings findings)
    {
        ListRead? longest = list.Reads.MaxBy(read => read.Seen.Length);
        string[] order = longest?.Seen ?? NoValues;
        bool isSound = order.Distinct().Count() == order.Length && order.All(v => list.Appends.TryGetValue(v, out ListAppend? a) && a.By.Node >= 0);
        foreach (ListRead read in list.Reads)
        {
            if (order.AsSpan(0, read.Seen.Length).SequenceEqual(read.Seen)) { continue; }
            isSound = false;
            findings.Add(
                "incompatible order", $"Two reads of {list.Name} show its values in orders of which neither begins the other.", longest!.By, read.By);
        }

        if (!isSound) { return; } // What is wrong has been told, and no order of the list can be trusted.
        list.Order = [.. order.Select(v => list.Appends[v])];
        list.Unseen.AddRange(list.Appends.Values.Where(a => a.By.Node >= 0 && !list.Seen.Contains(a.Value)));
        foreach (IGrouping<int, ListRead> same in list.Reads.Where(r => r.By.Appends.Exists(a => a.List == list)).GroupBy(r => r.Seen.Length))
        {
            ListRead[] rivals = [.. same.Take(2)];
            if (rivals.Length < 2) { continue; }
            findings.Add(
                "lost update",
                $"Two transactions read the same state of {list.Name} and both appended to it: the second did not see what the first had done.",
                rivals[0].By, rivals[1].By);
        }
    }
}
