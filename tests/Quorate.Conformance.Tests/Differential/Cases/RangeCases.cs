namespace Quorate.Conformance.Tests.Differential.Cases;

/// <summary>KV/Range.</summary>
internal static class RangeCases
{
    // Revisions r+1 to r+7: a is put three times, c twice, d once and deleted.
    private const string Setup = """
        LeaseGrant {"ID":7,"TTL":300}
        Put {"key":"a","value":"3"}
        Put {"key":"b","value":"2","lease":7}
        Put {"key":"c","value":"1"}
        Put {"key":"a","value":"5"}
        Put {"key":"d","value":"9"}
        DeleteRange {"key":"d"}
        Put {"key":"c","value":""}
        Put {"key":"a","value":"4"}
        Put {"key":"a/x","value":"8"}
        Put {"key":"$ff","value":"$00ff"}
        """;

    public static readonly CaseGroup Group = new("Range", Setup,
    [
        new("one key", """Range {"key":"a"}"""),
        new("a key that is not there", """Range {"key":"none"}"""),
        new("a key that was deleted", """Range {"key":"d"}"""),
        new("bytes that are no text", """Range {"key":"$ff"}"""),
        new("no key", """Range {}"""),
        new("an empty key", """Range {"key":""}"""),
        new("an empty key with a range end", """Range {"key":"","range_end":"z"}"""),
        new("a range", """Range {"key":"a","range_end":"c"}"""),
        new("a range whose end is its start", """Range {"key":"a","range_end":"a"}"""),
        new("a range whose end is before its start", """Range {"key":"c","range_end":"a"}"""),
        new("from a key on", """Range {"key":"b","range_end":"$00"}"""),
        new("all keys", """Range {"key":"$00","range_end":"$00"}"""),
        new("up to 0xff", """Range {"key":"b","range_end":"$ff"}"""),
        new("up to and with 0xff", """Range {"key":"b","range_end":"$ff00"}"""),
        new("a prefix", """Range {"key":"a","range_end":"b"}"""),
        new("an end of two zero bytes", """Range {"key":"a","range_end":"$0000"}"""),
        new("limit 1", """Range {"key":"a","range_end":"z","limit":1}"""),
        new("limit as many as there are", """Range {"key":"a","range_end":"z","limit":4}"""),
        new("limit one less", """Range {"key":"a","range_end":"z","limit":3}"""),
        new("limit more than there are", """Range {"key":"a","range_end":"z","limit":100}"""),
        new("limit below 0", """Range {"key":"a","range_end":"z","limit":-1}"""),
        new("the largest limit", """Range {"key":"a","range_end":"z","limit":"9223372036854775807"}"""),
        new("the least limit", """Range {"key":"a","range_end":"z","limit":"-9223372036854775808"}"""),
        new("count only", """Range {"key":"a","range_end":"z","count_only":true}"""),
        new("count only with a limit", """Range {"key":"a","range_end":"z","count_only":true,"limit":2}"""),
        new("count only of one key", """Range {"key":"a","count_only":true}"""),
        new("count only of none", """Range {"key":"none","count_only":true}"""),
        new("count only with a filter", """Range {"key":"a","range_end":"z","count_only":true,"min_mod_revision":"r+5"}"""),
        new("count only at a revision", """Range {"key":"a","range_end":"z","count_only":true,"revision":"r+1"}"""),
        new("keys only", """Range {"key":"a","range_end":"z","keys_only":true}"""),
        new("keys only and count only", """Range {"key":"a","range_end":"z","keys_only":true,"count_only":true}"""),
        new("keys only, by value", """Range {"key":"a","range_end":"z","keys_only":true,"sort_order":"ASCEND","sort_target":"VALUE"}"""),
        new("serializable", """Range {"key":"a","range_end":"z","serializable":true}"""),
        new("serializable in the future", """Range {"key":"a","serializable":true,"revision":"r+100"}"""),
        new("at the first revision", """Range {"key":"a","range_end":"z","revision":"r+1"}"""),
        new("before the first put", """Range {"key":"a","range_end":"z","revision":"r"}"""),
        new("at a revision between", """Range {"key":"a","range_end":"z","revision":"r+5"}"""),
        new("at the deletion", """Range {"key":"d","revision":"r+6"}"""),
        new("just before the deletion", """Range {"key":"d","revision":"r+5"}"""),
        new("at the current revision", """Range {"key":"a","revision":"r+10"}"""),
        new("one in the future", """Range {"key":"a","revision":"r+11"}"""),
        new("far in the future", """Range {"key":"a","revision":"9223372036854775807"}"""),
        new("at a revision below 0", """Range {"key":"a","revision":-5}"""),
        new("at the least revision", """Range {"key":"a","revision":"-9223372036854775808"}"""),
        new("at a revision with limit", """Range {"key":"a","range_end":"z","revision":"r+5","limit":1}"""),
        new("sorted by key, up", """Range {"key":"a","range_end":"z","sort_order":"ASCEND","sort_target":"KEY"}"""),
        new("sorted by key, down", """Range {"key":"a","range_end":"z","sort_order":"DESCEND","sort_target":"KEY"}"""),
        new("sorted by version, up", """Range {"key":"a","range_end":"z","sort_order":"ASCEND","sort_target":"VERSION"}"""),
        new("sorted by version, down", """Range {"key":"a","range_end":"z","sort_order":"DESCEND","sort_target":"VERSION"}"""),
        new("sorted by create revision, up", """Range {"key":"a","range_end":"z","sort_order":"ASCEND","sort_target":"CREATE"}"""),
        new("sorted by create revision, down", """Range {"key":"a","range_end":"z","sort_order":"DESCEND","sort_target":"CREATE"}"""),
        new("sorted by mod revision, up", """Range {"key":"a","range_end":"z","sort_order":"ASCEND","sort_target":"MOD"}"""),
        new("sorted by mod revision, down", """Range {"key":"a","range_end":"z","sort_order":"DESCEND","sort_target":"MOD"}"""),
        new("sorted by value, up", """Range {"key":"a","range_end":"z","sort_order":"ASCEND","sort_target":"VALUE"}"""),
        new("sorted by value, down", """Range {"key":"a","range_end":"z","sort_order":"DESCEND","sort_target":"VALUE"}"""),
        new("a target, but no order", """Range {"key":"a","range_end":"z","sort_target":"MOD"}"""),
        new("a target by value, but no order", """Range {"key":"a","range_end":"z","sort_target":"VALUE"}"""),
        new("sorted down with limit", """Range {"key":"a","range_end":"z","sort_order":"DESCEND","limit":2}"""),
        new("sorted by mod revision with limit", """Range {"key":"a","range_end":"z","sort_order":"DESCEND","sort_target":"MOD","limit":1}"""),
        new("the first created, as locks ask", """Range {"key":"a","range_end":"z","sort_order":"ASCEND","sort_target":"CREATE","limit":1}"""),
        new("the last created before, as locks ask", """Range {"key":"a","range_end":"z","sort_order":"DESCEND","sort_target":"CREATE","limit":1,"max_create_revision":"r+2"}"""),
        new("an order that is none", """Range {"key":"a","range_end":"z","sort_order":9}"""),
        new("a target that is none", """Range {"key":"a","range_end":"z","sort_target":9}"""),
        new("an order below 0", """Range {"key":"a","range_end":"z","sort_order":-1}"""),
        new("a target that is none, with an order", """Range {"key":"a","range_end":"z","sort_order":"ASCEND","sort_target":77}"""),
        new("min mod revision", """Range {"key":"a","range_end":"z","min_mod_revision":"r+7"}"""),
        new("max mod revision", """Range {"key":"a","range_end":"z","max_mod_revision":"r+7"}"""),
        new("min and max mod revision", """Range {"key":"a","range_end":"z","min_mod_revision":"r+7","max_mod_revision":"r+8"}"""),
        new("min above max mod revision", """Range {"key":"a","range_end":"z","min_mod_revision":"r+8","max_mod_revision":"r+7"}"""),
        new("min create revision", """Range {"key":"a","range_end":"z","min_create_revision":"r+2"}"""),
        new("max create revision", """Range {"key":"a","range_end":"z","max_create_revision":"r+2"}"""),
        new("min and max create revision", """Range {"key":"a","range_end":"z","min_create_revision":"r+2","max_create_revision":"r+3"}"""),
        new("all four filters", """Range {"key":"a","range_end":"z","min_create_revision":"r+1","max_create_revision":"r+3","min_mod_revision":"r+2","max_mod_revision":"r+7"}"""),
        new("a filter below 0", """Range {"key":"a","range_end":"z","min_mod_revision":-5}"""),
        new("a max filter below 0", """Range {"key":"a","range_end":"z","max_mod_revision":-5}"""),
        new("a filter in the future", """Range {"key":"a","range_end":"z","min_mod_revision":"r+1000"}"""),
        new("a filter with limit", """Range {"key":"a","range_end":"z","min_mod_revision":"r+2","limit":1}"""),
        new("a filter with as many as the limit", """Range {"key":"a","range_end":"z","min_mod_revision":"r+8","limit":2}"""),
        new("a filter at a revision", """Range {"key":"a","range_end":"z","max_mod_revision":"r+3","revision":"r+5"}"""),
        new("a filter on one key", """Range {"key":"a","max_mod_revision":"r+3"}"""),
        new("a filter, sorted down, keys only, with limit", """Range {"key":"a","range_end":"z","min_mod_revision":"r+2","limit":2,"keys_only":true,"sort_order":"DESCEND","sort_target":"MOD"}"""),
        new("a compacted revision", """
            Compact {"revision":"r+5"}
            Range {"key":"a","revision":"r+4"}
            Range {"key":"a","revision":"r+5"}
            Range {"key":"d","revision":"r+5"}
            Range {"key":"a","range_end":"z","revision":"r+4","count_only":true}
            Range {"key":"a","revision":"r+4","serializable":true}
            Range {"key":"a","range_end":"z"}
            """),
        new("compacted now", """
            Compact {"revision":"r+10"}
            Range {"key":"a","range_end":"z","revision":"r+10"}
            Range {"key":"d"}
            Range {"key":"a","revision":"r+9"}
            """),
        new("a long key", """
            Put {"key":"k*5000","value":"1"}
            Range {"key":"k*5000"}
            Range {"key":"k","range_end":"l","keys_only":true}
            """),
        new("a stream of parts", """
            RangeStream {"key":"a","range_end":"z"}
            RangeStream.
            """),
    ]);
}
