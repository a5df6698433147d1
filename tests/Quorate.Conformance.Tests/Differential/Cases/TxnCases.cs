namespace Quorate.Conformance.Tests.Differential.Cases;

/// <summary>KV/Txn.</summary>
internal static class TxnCases
{
    private const string Setup = """
        LeaseGrant {"ID":7,"TTL":300}
        Put {"key":"a","value":"1"}
        Put {"key":"a","value":"2"}
        Put {"key":"b","value":"5","lease":7}
        """;

    private const string Then = """

        Range {"key":"$00","range_end":"$00"}
        """;

    private const string Yes = " \"success\":[{\"request_put\":{\"key\":\"y\",\"value\":\"yes\"}}],\"failure\":[{\"request_put\":{\"key\":\"n\",\"value\":\"no\"}}]";

    public static readonly CaseGroup Group = new("Txn", Setup,
    [
        new("nothing", "Txn {}" + Then),
        new("a put", """Txn {"success":[{"request_put":{"key":"c","value":"1"}}]}""" + Then),
        new("a put with the value before", """Txn {"success":[{"request_put":{"key":"a","value":"1","prev_kv":true}}]}""" + Then),
        new("only failure, which does not run", """Txn {"failure":[{"request_put":{"key":"c","value":"1"}}]}""" + Then),
        new("reads only", """Txn {"success":[{"request_range":{"key":"a"}},{"request_range":{"key":"a","range_end":"z","count_only":true}}]}""" + Then),
        new("reads, serializable", """Txn {"success":[{"request_range":{"key":"a","serializable":true}}]}"""),
        new("a read of its own put", """Txn {"success":[{"request_put":{"key":"c","value":"1"}},{"request_range":{"key":"c"}}]}""" + Then),
        new("a read before its own put", """Txn {"success":[{"request_range":{"key":"c"}},{"request_put":{"key":"c","value":"1"}}]}""" + Then),
        new("a read of its own deletion", """Txn {"success":[{"request_delete_range":{"key":"a"}},{"request_range":{"key":"a"}}]}""" + Then),
        new("a deletion of its own put", """Txn {"success":[{"request_put":{"key":"c","value":"1"}},{"request_delete_range":{"key":"c"}}]}""" + Then),
        new("a put over its own deletion", """Txn {"success":[{"request_delete_range":{"key":"a"}},{"request_put":{"key":"a","value":"1"}}]}""" + Then),
        new("a deletion of nothing", """Txn {"success":[{"request_delete_range":{"key":"none"}}]}""" + Then),
        new("a deletion with the values before", """Txn {"success":[{"request_delete_range":{"key":"a","range_end":"z","prev_kv":true}}]}""" + Then),
        new("several puts, one revision", """Txn {"success":[{"request_put":{"key":"c","value":"1"}},{"request_put":{"key":"d","value":"2"}},{"request_delete_range":{"key":"a"}}]}""" + Then),
        new("a key twice", """Txn {"success":[{"request_put":{"key":"c","value":"1"}},{"request_put":{"key":"c","value":"2"}}]}""" + Then),
        new("a key in both branches", """Txn {"success":[{"request_put":{"key":"c","value":"1"}}],"failure":[{"request_put":{"key":"c","value":"2"}}]}""" + Then),
        new("a put in a deleted range", """Txn {"success":[{"request_delete_range":{"key":"a","range_end":"z"}},{"request_put":{"key":"c","value":"1"}}]}""" + Then),
        new("a put, then its range deleted", """Txn {"success":[{"request_put":{"key":"c","value":"1"}},{"request_delete_range":{"key":"a","range_end":"z"}}]}""" + Then),
        new("a put, then all from a key on deleted", """Txn {"success":[{"request_put":{"key":"c","value":"1"}},{"request_delete_range":{"key":"b","range_end":"$00"}}]}""" + Then),
        new("a range deleted twice", """Txn {"success":[{"request_delete_range":{"key":"a","range_end":"z"}},{"request_delete_range":{"key":"a","range_end":"z"}}]}""" + Then),
        new("a key deleted twice", """Txn {"success":[{"request_delete_range":{"key":"a"}},{"request_delete_range":{"key":"a"}}]}""" + Then),
        new("a key twice in the branch that does not run", """Txn {"failure":[{"request_put":{"key":"c","value":"1"}},{"request_put":{"key":"c","value":"2"}}]}""" + Then),
        new("a key twice, once nested", """Txn {"success":[{"request_put":{"key":"c","value":"1"}},{"request_txn":{"success":[{"request_put":{"key":"c","value":"2"}}]}}]}""" + Then),
        new("a key in both branches of a nested one", """Txn {"success":[{"request_txn":{"success":[{"request_put":{"key":"c","value":"2"}}],"failure":[{"request_put":{"key":"c","value":"3"}}]}}]}""" + Then),
        new("a key in two nested ones", """Txn {"success":[{"request_txn":{"success":[{"request_put":{"key":"c","value":"2"}}]}},{"request_txn":{"failure":[{"request_put":{"key":"c","value":"2"}}]}}]}""" + Then),
        new("a put nested in a deleted range", """Txn {"success":[{"request_delete_range":{"key":"a","range_end":"z"}},{"request_txn":{"success":[{"request_put":{"key":"c","value":"2"}}]}}]}""" + Then),
        new("an operation without a request", """Txn {"success":[{}]}""" + Then),
        new("an operation without a request, not run", """Txn {"failure":[{}]}""" + Then),
        new("a put with an empty key", """Txn {"success":[{"request_put":{"value":"1"}}]}""" + Then),
        new("a put with an empty key, not run", """Txn {"failure":[{"request_put":{"value":"1"}}]}""" + Then),
        new("a range with an empty key", """Txn {"success":[{"request_range":{}}]}""" + Then),
        new("a deletion with an empty key", """Txn {"success":[{"request_delete_range":{}}]}""" + Then),
        new("a comparison with an empty key", """Txn {"compare":[{"target":"VERSION","result":"EQUAL","version":0}]}""" + Then),
        new("a nested comparison with an empty key", """Txn {"success":[{"request_txn":{"compare":[{}]}}]}""" + Then),
        new("a put with an unknown lease", """Txn {"success":[{"request_put":{"key":"c","value":"1"}},{"request_put":{"key":"d","value":"1","lease":99}}]}""" + Then),
        new("a put with an unknown lease, not run", """Txn {"failure":[{"request_put":{"key":"d","value":"1","lease":99}}]}""" + Then),
        new("ignore value of no key", """Txn {"success":[{"request_put":{"key":"c","value":"1"}},{"request_put":{"key":"d","ignore_value":true}}]}""" + Then),
        new("ignore value of a key that this one puts", """Txn {"success":[{"request_put":{"key":"d","value":"1"}},{"request_txn":{"success":[{"request_range":{"key":"d"}}]}}]}""" + Then),
        new("ignore value of a key that this one deletes", """Txn {"success":[{"request_delete_range":{"key":"a"}},{"request_put":{"key":"a","ignore_value":true}}]}""" + Then),
        new("ignore value with a value", """Txn {"success":[{"request_put":{"key":"a","value":"1","ignore_value":true}}]}""" + Then),
        new("ignore lease with a lease", """Txn {"success":[{"request_put":{"key":"b","value":"1","lease":7,"ignore_lease":true}}]}""" + Then),
        new("ignore lease", """Txn {"success":[{"request_put":{"key":"b","value":"1","ignore_lease":true}}]}""" + Then),
        new("a range in the future", """Txn {"success":[{"request_range":{"key":"a","revision":"r+100"}}]}""" + Then),
        new("a range in the past", """Txn {"success":[{"request_range":{"key":"a","revision":"r+1"}}]}""" + Then),
        new("a put and a range at its revision", """Txn {"success":[{"request_put":{"key":"c","value":"1"}},{"request_range":{"key":"c","revision":"r+4"}}]}""" + Then),
        new("a range in the future, not run", """Txn {"success":[{"request_put":{"key":"c","value":"1"}}],"failure":[{"request_range":{"key":"a","revision":"r+100"}}]}""" + Then),
        new("a range with sort and limit", """Txn {"success":[{"request_range":{"key":"a","range_end":"z","limit":1,"sort_order":"DESCEND"}}]}"""),
        new("a range with an order that is none", """Txn {"success":[{"request_range":{"key":"a","sort_order":7}}]}"""),
        new("nested", """Txn {"success":[{"request_txn":{"compare":[{"key":"a","target":"VALUE","value":"2"}],"success":[{"request_put":{"key":"y","value":"1"}}],"failure":[{"request_put":{"key":"n","value":"1"}}]}}]}""" + Then),
        new("nested, compared with what the outer one put", """Txn {"success":[{"request_put":{"key":"a","value":"9"}},{"request_txn":{"compare":[{"key":"a","target":"VALUE","value":"9"}],"success":[{"request_put":{"key":"y","value":"1"}}],"failure":[{"request_put":{"key":"n","value":"1"}}]}}]}""" + Then),
        new("nested twice", """Txn {"success":[{"request_txn":{"success":[{"request_txn":{"success":[{"request_put":{"key":"c","value":"1"}},{"request_range":{"key":"c"}}]}}]}}]}""" + Then),
        new("nested and empty", """Txn {"success":[{"request_txn":{}}]}""" + Then),

        new("value equal", """Txn {"compare":[{"key":"a","target":"VALUE","result":"EQUAL","value":"2"}],""" + Yes + "}" + Then),
        new("value not equal", """Txn {"compare":[{"key":"a","target":"VALUE","result":"NOT_EQUAL","value":"2"}],""" + Yes + "}" + Then),
        new("value greater", """Txn {"compare":[{"key":"a","target":"VALUE","result":"GREATER","value":"1"}],""" + Yes + "}" + Then),
        new("value less", """Txn {"compare":[{"key":"a","target":"VALUE","result":"LESS","value":"1"}],""" + Yes + "}" + Then),
        new("value of no key, not equal", """Txn {"compare":[{"key":"x","target":"VALUE","result":"NOT_EQUAL","value":"2"}],""" + Yes + "}" + Then),
        new("value of no key, equal to nothing", """Txn {"compare":[{"key":"x","target":"VALUE","result":"EQUAL","value":""}],""" + Yes + "}" + Then),
        new("no value to compare with", """Txn {"compare":[{"key":"a","target":"VALUE","result":"EQUAL"}],""" + Yes + "}" + Then),
        new("version equal", """Txn {"compare":[{"key":"a","target":"VERSION","result":"EQUAL","version":2}],""" + Yes + "}" + Then),
        new("version of no key, equal to 0", """Txn {"compare":[{"key":"x","target":"VERSION","result":"EQUAL","version":0}],""" + Yes + "}" + Then),
        new("version of no key, greater than 0", """Txn {"compare":[{"key":"x","target":"VERSION","result":"GREATER","version":0}],""" + Yes + "}" + Then),
        new("version less than below 0", """Txn {"compare":[{"key":"x","target":"VERSION","result":"GREATER","version":-1}],""" + Yes + "}" + Then),
        new("no version to compare with", """Txn {"compare":[{"key":"x","target":"VERSION"}],""" + Yes + "}" + Then),
        new("create revision equal", """Txn {"compare":[{"key":"a","target":"CREATE","result":"EQUAL","create_revision":"r+1"}],""" + Yes + "}" + Then),
        new("create revision of no key", """Txn {"compare":[{"key":"x","target":"CREATE","result":"EQUAL","create_revision":0}],""" + Yes + "}" + Then),
        new("mod revision equal", """Txn {"compare":[{"key":"a","target":"MOD","result":"EQUAL","mod_revision":"r+2"}],""" + Yes + "}" + Then),
        new("mod revision less", """Txn {"compare":[{"key":"a","target":"MOD","result":"LESS","mod_revision":"r+2"}],""" + Yes + "}" + Then),
        new("lease equal", """Txn {"compare":[{"key":"b","target":"LEASE","result":"EQUAL","lease":7}],""" + Yes + "}" + Then),
        new("lease of a key without, equal to 0", """Txn {"compare":[{"key":"a","target":"LEASE","result":"EQUAL","lease":0}],""" + Yes + "}" + Then),
        new("lease of no key", """Txn {"compare":[{"key":"x","target":"LEASE","result":"NOT_EQUAL","lease":7}],""" + Yes + "}" + Then),
        new("a target with another's value", """Txn {"compare":[{"key":"a","target":"VERSION","result":"EQUAL","value":"2"}],""" + Yes + "}" + Then),
        new("a target without its value, of a key that is there", """Txn {"compare":[{"key":"a","target":"MOD","result":"GREATER","version":5}],""" + Yes + "}" + Then),
        new("a target that is none", """Txn {"compare":[{"key":"a","target":9,"result":"EQUAL","version":2}],""" + Yes + "}" + Then),
        new("a result that is none", """Txn {"compare":[{"key":"a","target":"VERSION","result":9,"version":2}],""" + Yes + "}" + Then),
        new("a range, all satisfy", """Txn {"compare":[{"key":"a","range_end":"c","target":"VERSION","result":"GREATER","version":0}],""" + Yes + "}" + Then),
        new("a range, one does not", """Txn {"compare":[{"key":"a","range_end":"c","target":"VERSION","result":"EQUAL","version":2}],""" + Yes + "}" + Then),
        new("a range without keys", """Txn {"compare":[{"key":"x","range_end":"z","target":"VERSION","result":"EQUAL","version":0}],""" + Yes + "}" + Then),
        new("a range without keys, by value", """Txn {"compare":[{"key":"x","range_end":"z","target":"VALUE","result":"EQUAL","value":"1"}],""" + Yes + "}" + Then),
        new("a range whose end is before its start", """Txn {"compare":[{"key":"z","range_end":"a","target":"VERSION","result":"EQUAL","version":0}],""" + Yes + "}" + Then),
        new("from a key on", """Txn {"compare":[{"key":"a","range_end":"$00","target":"MOD","result":"GREATER","mod_revision":"r"}],""" + Yes + "}" + Then),
        new("two comparisons, one fails", """Txn {"compare":[{"key":"a","target":"VERSION","version":2},{"key":"b","target":"VERSION","version":2}],""" + Yes + "}" + Then),
        new("two comparisons of one key", """Txn {"compare":[{"key":"a","target":"VERSION","version":2},{"key":"a","target":"VALUE","value":"2"}],""" + Yes + "}" + Then),

        new("128 operations", $$$"""Txn {"success":[{{{Puts(128)}}}]}"""),
        new("129 operations", $$$"""Txn {"success":[{{{Puts(129)}}}]}""" + Then),
        new("129 operations, not run", $$$"""Txn {"failure":[{{{Puts(129)}}}]}""" + Then),
        new("128 comparisons", $$$"""Txn {"compare":[{{{Compares(128)}}}]}"""),
        new("129 comparisons", $$$"""Txn {"compare":[{{{Compares(129)}}}]}"""),
        new("128 operations, nested ones with room", $$$"""Txn {"success":[{"request_txn":{"success":[{{{Puts(127)}}}]}}]}"""),
        new("128 operations, nested ones too many", $$$"""Txn {"success":[{"request_txn":{"success":[{{{Puts(128)}}}]}}]}"""),
        new("64 and 64 nested", $$$"""Txn {"success":[{{{Puts(63)}}},{"request_txn":{"success":[{"request_range":{"key":"a"}}]}}]}"""),
        new("1.5 MiB in two puts", """Txn {"success":[{"request_put":{"key":"c","value":"x*800000"}},{"request_put":{"key":"d","value":"x*800000"}}]}"""),
        new("1.5 MiB in two branches", """Txn {"success":[{"request_put":{"key":"c","value":"x*800000"}}],"failure":[{"request_put":{"key":"d","value":"x*800000"}}]}"""),
    ]);

    private static string Puts(int count) =>
        string.Join(',', Enumerable.Range(0, count).Select(static i => $$$"""{"request_put":{"key":"p{{{i}}}","value":"1"}}"""));

    private static string Compares(int count) =>
        string.Join(',', Enumerable.Range(0, count).Select(static i => $$"""{"key":"p{{i}}","target":"VERSION","version":0}"""));
}
