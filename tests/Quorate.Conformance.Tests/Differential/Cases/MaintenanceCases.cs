namespace Quorate.Conformance.Tests.Differential.Cases;

/// <summary>The Maintenance service.</summary>
internal static class MaintenanceCases
{
    private const string Setup = """
        Put {"key":"a","value":"1"}
        Put {"key":"a","value":"2"}
        Put {"key":"b","value":"1"}
        """;

    public static readonly CaseGroup Group = new("Maintenance", Setup,
    [
        new("status", "Status {}"),
        new("no alarms", "Alarm {}"),
        new("no alarms of a member", """Alarm {"memberID":77}"""),
        new("no alarms of a kind", """Alarm {"alarm":"NOSPACE"}"""),
        new("an alarm that is not raised, switched off", """Alarm {"action":"DEACTIVATE","alarm":"NOSPACE"}"""),
        new("all alarms switched off, none raised", """Alarm {"action":"DEACTIVATE"}"""),
        new("an action that is none", """Alarm {"action":9}"""),
        new("an alarm raised and switched off", """
            Alarm {"action":"ACTIVATE","memberID":77,"alarm":"NOSPACE"}
            Alarm {}
            Alarm {"action":"ACTIVATE","memberID":77,"alarm":"NOSPACE"}
            Put {"key":"c","value":"1"}
            Txn {"success":[{"request_put":{"key":"c","value":"1"}}]}
            Txn {"success":[{"request_range":{"key":"a"}}],"failure":[{"request_put":{"key":"c","value":"1"}}]}
            Txn {"success":[{"request_delete_range":{"key":"b"}}]}
            LeaseGrant {"ID":7,"TTL":300}
            LeaseRevoke {"ID":99}
            Range {"key":"a"}
            DeleteRange {"key":"a"}
            Compact {"revision":"r+2"}
            GET /health
            POST /health
            Alarm {"action":"DEACTIVATE","memberID":78,"alarm":"NOSPACE"}
            Alarm {"action":"DEACTIVATE","memberID":77,"alarm":"NOSPACE"}
            Alarm {"action":"DEACTIVATE","memberID":77,"alarm":"NOSPACE"}
            Alarm {}
            Put {"key":"c","value":"1"}
            """),
        new("an alarm raised over gRPC", """
            Alarm {"action":"ACTIVATE","memberID":77,"alarm":"NOSPACE"}
            Alarm {}
            Alarm {"memberID":77}
            Alarm {"memberID":78}
            Alarm {"alarm":"CORRUPT"}
            Alarm {"alarm":"NOSPACE"}
            Put {"key":"c","value":"1"}
            Txn {"success":[{"request_put":{"key":"c","value":"1"}}]}
            Txn {"success":[{"request_range":{"key":"a"}}],"failure":[{"request_put":{"key":"c","value":"1"}}]}
            Txn {"success":[{"request_range":{"key":"a"}}]}
            Txn {"success":[{"request_delete_range":{"key":"b"}}]}
            LeaseGrant {"ID":7,"TTL":300}
            Lock {"name":"l"}
            Campaign {"name":"e","value":"x"}
            Range {"key":"a"}
            DeleteRange {"key":"a"}
            Compact {"revision":"r+2"}
            Alarm {"action":"DEACTIVATE","memberID":77,"alarm":"NOSPACE"}
            Put {"key":"c","value":"1"}
            """),
        new("a corrupt member", """
            Alarm {"action":"ACTIVATE","memberID":77,"alarm":"CORRUPT"}
            Alarm {}
            Put {"key":"c","value":"1"}
            Txn {"success":[{"request_range":{"key":"a"}}]}
            Txn {"success":[{"request_delete_range":{"key":"b"}}]}
            LeaseGrant {"ID":7,"TTL":300}
            LeaseRevoke {"ID":99}
            Range {"key":"a"}
            DeleteRange {"key":"a"}
            Compact {"revision":"r+2"}
            Alarm {"action":"DEACTIVATE","memberID":77,"alarm":"CORRUPT"}
            Put {"key":"c","value":"1"}
            """),
        new("an alarm of no kind raised", """
            Alarm {"action":"ACTIVATE","memberID":77,"alarm":"NONE"}
            Alarm {}
            Alarm {"action":"DEACTIVATE","memberID":77,"alarm":"NONE"}
            Alarm {}
            """),
        new("defragmented", """
            Defragment {}
            Range {"key":"a"}
            """),
        new("hash", "Hash {}"),
        new("hash of the keys", "HashKV {}"),
        new("hash of the keys at a revision", """HashKV {"revision":"r+2"}"""),
        new("hash of the keys now", """HashKV {"revision":"r+3"}"""),
        new("hash of the keys in the future", """HashKV {"revision":"r+9"}"""),
        new("hash of the keys below 0", """HashKV {"revision":-1}"""),
        new("hash of the keys, compacted", """
            Compact {"revision":"r+2"}
            HashKV {"revision":"r+1"}
            HashKV {"revision":"r+2"}
            HashKV {}
            """),
        new("leadership to a member that is not there", """MoveLeader {"targetID":77}"""),
        new("leadership to nobody", "MoveLeader {}"),
        new("a snapshot's first part", """
            Snapshot {}
            Snapshot? 1
            """),
        new("downgrade validated", """Downgrade {"action":"VALIDATE","version":"3.5"}"""),
        new("downgrade enabled", """Downgrade {"action":"ENABLE","version":"3.5.0"}"""),
        new("downgrade to what is no version", """
            Downgrade {"action":"VALIDATE","version":"three"}
            Downgrade {"action":"ENABLE"}
            """),
        new("downgrade cancelled", """Downgrade {"action":"CANCEL"}"""),
        new("downgrade, an action that is none", """Downgrade {"action":9,"version":"3.5"}"""),
    ]);
}
