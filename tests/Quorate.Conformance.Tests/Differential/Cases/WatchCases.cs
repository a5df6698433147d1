namespace Quorate.Conformance.Tests.Differential.Cases;

/// <summary>The Watch service.</summary>
internal static class WatchCases
{
    private const string Setup = """
        Put {"key":"a","value":"1"}
        Put {"key":"a","value":"2"}
        Put {"key":"b","value":"1"}
        DeleteRange {"key":"b"}
        Put {"key":"c","value":"1"}
        """;

    public static readonly CaseGroup Group = new("Watch", Setup,
    [
        new("from now on", """
            Watch {"create_request":{"key":"a"}}
            Watch? 1
            Put {"key":"a","value":"3"}
            Watch? 1
            Put {"key":"other","value":"3"}
            DeleteRange {"key":"a"}
            Watch? 1
            """),
        new("from a revision", """
            Watch {"create_request":{"key":"a","start_revision":"r+1"}}
            Watch? 3
            """),
        new("a prefix from a revision", """
            Watch {"create_request":{"key":"a","range_end":"z","start_revision":"r+2"}}
            Watch? 5
            """),
        new("all keys from a revision", """
            Watch {"create_request":{"key":"$00","range_end":"$00","start_revision":"r+3"}}
            Watch? 4
            """),
        new("from a key on", """
            Watch {"create_request":{"key":"b","range_end":"$00","start_revision":"r+1"}}
            Watch? 4
            """),
        new("with the value before", """
            Watch {"create_request":{"key":"a","range_end":"z","start_revision":"r+1","prev_kv":true}}
            Watch? 6
            """),
        new("without puts", """
            Watch {"create_request":{"key":"a","range_end":"z","start_revision":"r+1","filters":["NOPUT"]}}
            Watch? 2
            """),
        new("without deletions", """
            Watch {"create_request":{"key":"a","range_end":"z","start_revision":"r+1","filters":["NODELETE"]}}
            Watch? 5
            """),
        new("without anything", """
            Watch {"create_request":{"key":"a","range_end":"z","filters":["NODELETE","NOPUT"]}}
            Watch? 1
            Put {"key":"a","value":"3"}
            Watch {"create_request":{"key":"a","range_end":"z"}}
            Watch? 1
            """),
        new("a filter that is none", """
            Watch {"create_request":{"key":"a","start_revision":"r+1","filters":[7]}}
            Watch? 3
            """),
        new("an empty key", """
            Watch {"create_request":{"start_revision":"r+1"}}
            Watch? 1
            """),
        new("an empty key with an end", """
            Watch {"create_request":{"range_end":"b","start_revision":"r+1"}}
            Watch? 3
            """),
        new("an end before the start", """
            Watch {"create_request":{"key":"c","range_end":"a"}}
            Watch? 1
            """),
        new("an end that is the start", """
            Watch {"create_request":{"key":"a","range_end":"a"}}
            Watch? 1
            """),
        new("from the future", """
            Watch {"create_request":{"key":"a","start_revision":"r+8"}}
            Watch? 1
            Put {"key":"a","value":"6"}
            Put {"key":"a","value":"7"}
            Put {"key":"a","value":"8"}
            Watch? 1
            """),
        new("from the compacted past", """
            Compact {"revision":"r+4"}
            Watch {"create_request":{"key":"a","start_revision":"r+3"}}
            Watch? 2
            """),
        new("from the compacted revision", """
            Compact {"revision":"r+2"}
            Watch {"create_request":{"key":"a","range_end":"z","start_revision":"r+2"}}
            Watch? 5
            """),
        new("from behind the compacted revision", """
            Compact {"revision":"r+2"}
            Watch {"create_request":{"key":"a","range_end":"z","start_revision":"r+3"}}
            Watch? 4
            """),
        new("a revision below 0", """
            Watch {"create_request":{"key":"a","start_revision":-1}}
            Watch? 1
            """),
        new("an id given", """
            Watch {"create_request":{"key":"a","watch_id":5}}
            Watch {"create_request":{"key":"a","watch_id":9}}
            Watch? 2
            """),
        new("an id given twice", """
            Watch {"create_request":{"key":"a","watch_id":5}}
            Watch {"create_request":{"key":"a","watch_id":5}}
            Watch? 2
            """),
        new("an id below 0", """
            Watch {"create_request":{"key":"a","watch_id":-7}}
            Watch? 1
            """),
        new("ids count, given ones between", """
            Watch {"create_request":{"key":"a"}}
            Watch {"create_request":{"key":"a","watch_id":1}}
            Watch {"create_request":{"key":"a"}}
            Watch {"create_request":{"key":"a"}}
            Watch? 4
            """),
        new("cancelled", """
            Watch {"create_request":{"key":"a"}}
            Watch? 1
            Watch {"cancel_request":{}}
            Watch? 1
            """),
        new("cancelled, an id that is not there", """
            Watch {"create_request":{"key":"a"}}
            Watch {"cancel_request":{"watch_id":77}}
            Watch {"create_request":{"key":"a"}}
            Watch? 2
            """),
        new("cancelled twice", """
            Watch {"create_request":{"key":"a"}}
            Watch? 1
            Watch {"cancel_request":{}}
            Watch? 1
            Watch {"cancel_request":{}}
            Watch {"create_request":{"key":"a"}}
            Watch? 1
            """),
        new("the id of a cancelled one again", """
            Watch {"create_request":{"key":"a","watch_id":5}}
            Watch? 1
            Watch {"cancel_request":{"watch_id":5}}
            Watch? 1
            Watch {"create_request":{"key":"a","watch_id":5}}
            Watch? 1
            """),
        new("a request without anything", """
            Watch {}
            Watch {"create_request":{"key":"a"}}
            Watch? 1
            """),
        new("progress asked for", """
            Watch {"create_request":{"key":"a"}}
            Watch? 1
            Watch {"progress_request":{}}
            Watch? 1
            """),
        new("two watches", """
            Watch {"create_request":{"key":"a"}}
            Watch {"create_request":{"key":"a","range_end":"c"}}
            Watch? 2
            Put {"key":"a","value":"3"}
            Watch? 2
            Put {"key":"b","value":"3"}
            Watch? 1
            """),
        new("a transaction's events", """
            Watch {"create_request":{"key":"a","range_end":"z","prev_kv":true}}
            Watch? 1
            Txn {"success":[{"request_put":{"key":"d","value":"1"}},{"request_delete_range":{"key":"a","range_end":"c"}},{"request_put":{"key":"c","value":"1"}}]}
            Watch? 3
            """),
        new("a key put and deleted in one transaction", """
            Watch {"create_request":{"key":"a","range_end":"z","prev_kv":true}}
            Watch? 1
            Txn {"success":[{"request_put":{"key":"d","value":"1"}},{"request_delete_range":{"key":"d"}}]}
            Put {"key":"e","value":"1"}
            Watch? 2
            """),
        new("a key deleted and put in one transaction", """
            Watch {"create_request":{"key":"a","range_end":"z","prev_kv":true}}
            Watch? 1
            Txn {"success":[{"request_delete_range":{"key":"a"}},{"request_put":{"key":"a","value":"1"}}]}
            Watch? 2
            """),
        new("a lease's keys", """
            LeaseGrant {"ID":7,"TTL":300}
            Put {"key":"y","value":"1","lease":7}
            Put {"key":"x","value":"1","lease":7}
            Watch {"create_request":{"key":"a","range_end":"z","prev_kv":true}}
            Watch? 1
            LeaseRevoke {"ID":7}
            Watch? 2
            """),
        new("fragments", """
            Watch {"create_request":{"key":"a","fragment":true,"start_revision":"r+1"}}
            Watch? 3
            """),
        new("fragments of a large transaction", """
            Watch {"create_request":{"key":"f","range_end":"g","fragment":true}}
            Watch? 1
            Txn {"success":[{"request_put":{"key":"f1","value":"x*500000"}},{"request_put":{"key":"f2","value":"x*500000"}},{"request_put":{"key":"f3","value":"x*400000"}}]}
            Watch? 3
            Txn {"success":[{"request_delete_range":{"key":"f","range_end":"g"}}]}
            Watch? 3
            """),
        new("fragments with the value before", """
            Put {"key":"f1","value":"x*1000000"}
            Put {"key":"f2","value":"x*1000000"}
            Put {"key":"f3","value":"x*1000000"}
            Watch {"create_request":{"key":"f","range_end":"g","fragment":true,"prev_kv":true}}
            Watch? 1
            DeleteRange {"key":"f","range_end":"g"}
            Watch? 3
            """),
        new("over one body", """
            POST /v3/watch
            POST /v3/watch nonsense
            POST /v3/watch []
            """),
    ]);

    // What is dropped when depends on what was written before, so these have servers of their own.
    public static readonly CaseGroup OverCompaction = new("Watch over a compaction", Setup,
    [
        new("the value before is compacted", """
            Compact {"revision":"r+2"}
            Watch {"create_request":{"key":"a","range_end":"z","start_revision":"r+2","prev_kv":true}}
            Watch? 5
            """),
    ])
    {
        OwnServers = true,
    };
}
