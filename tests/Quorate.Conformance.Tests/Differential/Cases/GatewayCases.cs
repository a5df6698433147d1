namespace Quorate.Conformance.Tests.Differential.Cases;

/// <summary>What only the JSON gateway can be asked: other texts than a client library would send.</summary>
internal static class GatewayCases
{
    // a, b, c in base64: YQ==, Yg==, Yw==
    private const string Setup = """
        Put {"key":"a","value":"1"}
        Put {"key":"b","value":"2"}
        """;

    public static readonly CaseGroup Group = new("Gateway", Setup,
    [
        new("empty body", "POST /v3/kv/range"),
        new("empty object", "POST /v3/kv/range {}"),
        new("a number's text", """POST /v3/kv/range {"key":"YQ==","range_end":"eg==","limit":"1"}"""),
        new("a number", """POST /v3/kv/range {"key":"YQ==","range_end":"eg==","limit":1}"""),
        new("a number with a fraction of 0", """POST /v3/kv/range {"key":"YQ==","range_end":"eg==","limit":1.0}"""),
        new("a number with a fraction", """POST /v3/kv/range {"key":"YQ==","range_end":"eg==","limit":1.5}"""),
        new("a number with an exponent", """POST /v3/kv/range {"key":"YQ==","range_end":"eg==","limit":1e0}"""),
        new("a number beyond 53 bits", """
            POST /v3/lease/grant {"ID":1234567890123456789,"TTL":300}
            POST /v3/lease/timetolive {"ID":"1234567890123456789"}
            POST /v3/lease/revoke {"ID":1234567890123456789}
            """),
        new("the largest number", """POST /v3/kv/range {"key":"YQ==","limit":9223372036854775807}"""),
        new("a number beyond 64 bits", """POST /v3/kv/range {"key":"YQ==","limit":9223372036854775808}"""),
        new("a number's text that is none", """POST /v3/kv/range {"key":"YQ==","limit":"one"}"""),
        new("a number's text that is empty", """POST /v3/kv/range {"key":"YQ==","limit":""}"""),
        new("a number's text with a space", """POST /v3/kv/range {"key":"YQ==","limit":" 1"}"""),
        new("a boolean for a number", """POST /v3/kv/range {"key":"YQ==","limit":true}"""),
        new("null for a number", """POST /v3/kv/range {"key":"YQ==","limit":null}"""),
        new("null for bytes", """POST /v3/kv/range {"key":null}"""),
        new("null for an enum", """POST /v3/kv/range {"key":"YQ==","sort_order":null}"""),
        new("null for a boolean", """POST /v3/kv/range {"key":"YQ==","keys_only":null}"""),
        new("null for a list", """POST /v3/kv/txn {"compare":null,"success":null}"""),
        new("null in a list", """POST /v3/kv/txn {"success":[null]}"""),
        new("an object for a list", """POST /v3/kv/txn {"success":{}}"""),
        new("a list for bytes", """POST /v3/kv/range {"key":["YQ=="]}"""),
        new("a number for bytes", """POST /v3/kv/range {"key":5}"""),
        new("a boolean's text", """POST /v3/kv/range {"key":"YQ==","keys_only":"true"}"""),
        new("a number for a boolean", """POST /v3/kv/range {"key":"YQ==","keys_only":1}"""),
        new("an enum by name", """POST /v3/kv/range {"key":"YQ==","range_end":"eg==","sort_order":"DESCEND"}"""),
        new("an enum by number", """POST /v3/kv/range {"key":"YQ==","range_end":"eg==","sort_order":2}"""),
        new("an enum by a number's text", """POST /v3/kv/range {"key":"YQ==","range_end":"eg==","sort_order":"2"}"""),
        new("an enum by a name that is none", """POST /v3/kv/range {"key":"YQ==","sort_order":"SIDEWAYS"}"""),
        new("an enum in small letters", """POST /v3/kv/range {"key":"YQ==","sort_order":"descend"}"""),
        new("names in camel case", """POST /v3/kv/range {"key":"YQ==","rangeEnd":"eg==","keysOnly":true}"""),
        new("both names of a field", """POST /v3/kv/range {"key":"YQ==","rangeEnd":"eg==","range_end":"Yg=="}"""),
        new("a name in capitals", """POST /v3/kv/range {"KEY":"YQ=="}"""),
        new("a field twice", """POST /v3/kv/range {"key":"YQ==","key":"Yg=="}"""),
        new("an unknown field", """POST /v3/kv/range {"key":"YQ==","colour":"red"}"""),
        new("an unknown field within", """POST /v3/kv/txn {"success":[{"request_range":{"key":"YQ==","colour":{"a":[1]}}}]}"""),
        new("no base64", """POST /v3/kv/range {"key":"a!"}"""),
        new("base64 without padding", """POST /v3/kv/range {"key":"YQ"}"""),
        new("base64 with too much padding", """POST /v3/kv/range {"key":"YQ==="}"""),
        new("base64 of the other alphabet", """POST /v3/kv/range {"key":"__8="}"""),
        new("base64 with a line end", """POST /v3/kv/range {"key":"YQ\n=="}"""),
        new("base64 with bits left over", """POST /v3/kv/range {"key":"YR=="}"""),
        // Where neither is asked for: etcd takes the one that its map gives first, which is chance.
        new("two members of a oneof", """POST /v3/kv/txn {"failure":[{"request_range":{"key":"YQ=="},"request_put":{"key":"Yw=="}}]}"""),
        new("broken JSON", """POST /v3/kv/range {"key":"YQ==" """),
        new("text behind the object", """POST /v3/kv/range {"key":"YQ=="} x"""),
        new("two objects", """POST /v3/kv/range {"key":"YQ=="}{"key":"Yg=="}"""),
        new("a list", "POST /v3/kv/range []"),
        new("a string", "POST /v3/kv/range \"x\""),
        new("a number alone", "POST /v3/kv/range 5"),
        new("null alone", "POST /v3/kv/range null"),
        new("a comment", """POST /v3/kv/range {"key":"YQ=="/*x*/}"""),
        new("single quotes", "POST /v3/kv/range {'key':'YQ=='}"),
        new("a comma too many", """POST /v3/kv/range {"key":"YQ==",}"""),
        new("spaces around", """POST /v3/kv/range   { "key" : "YQ==" }  """),
        new("an escaped name", """POST /v3/kv/range {"\u006bey":"YQ=="}"""),
        new("GET", "GET /v3/kv/range"),
        new("GET of another", "GET /v3/cluster/member/list"),
        new("PUT", """PUT /v3/kv/put {"key":"Yw=="}"""),
        new("DELETE", """DELETE /v3/kv/deleterange {"key":"YQ=="}"""),
        new("HEAD", "HEAD /v3/kv/range"),
        new("a path that is not there", "POST /v3/kv/nope {}"),
        new("a service that is not there", "POST /v3/nope/range {}"),
        new("a version that is not there", "POST /v9/kv/range {}"),
        new("the alpha version", "POST /v3alpha/kv/range {}"),
        new("the beta version", """POST /v3beta/kv/range {"key":"YQ=="}"""),
        new("a slash at the end", """POST /v3/kv/range/ {"key":"YQ=="}"""),
        new("two slashes", """POST /v3//kv/range {"key":"YQ=="}"""),
        new("a path in capitals", """POST /v3/KV/range {"key":"YQ=="}"""),
        new("a query", """POST /v3/kv/range?key=Yg== {"key":"YQ=="}"""),
        new("the root", "GET /"),
        new("content type of a form", """POST /v3/kv/range [content-type: application/x-www-form-urlencoded] {"key":"YQ=="}"""),
        new("content type of text", """POST /v3/kv/range [content-type: text/plain] {"key":"YQ=="}"""),
        new("content type with a charset", """POST /v3/kv/range [content-type: application/json; charset=utf-8] {"key":"YQ=="}"""),
        new("accept of something else", """POST /v3/kv/range [accept: text/html] {"key":"YQ=="}"""),
        new("a compressed body that is none", """POST /v3/kv/range [content-encoding: gzip] {"key":"YQ=="}"""),
        new("a method in a header", """POST /v3/kv/put [X-HTTP-Method-Override: GET] {"key":"Yw=="}"""),
        new("hasleader", """POST /v3/kv/range [grpc-metadata-hasleader: true] {"key":"YQ=="}"""),
        new("a body just below the limit", """POST /v3/kv/put {"key":"Yw==","value":"<A*2090000>"}"""),
        new("a body above the limit of a request", """POST /v3/kv/put {"key":"Yw==","value":"<A*2400000>"}"""),
        new("a body above the limit of a message", """POST /v3/kv/put {"key":"Yw==","value":"<A*2900000>"}"""),
        new("a body of 8 MB", """POST /v3/kv/put {"key":"Yw==","value":"<A*8000000>"}"""),
        new("values that are left out", """
            POST /v3/kv/put {"key":"Yw=="}
            POST /v3/kv/range {"key":"Yw=="}
            POST /v3/kv/deleterange {"key":"eg=="}
            POST /v3/kv/txn {"compare":[{"key":"YQ==","target":"VALUE","value":"Mg=="}]}
            """),
        new("version", "GET /version"),
        new("health", "GET /health"),
        new("version by POST", "POST /version {}"),
        new("health by POST", "POST /health {}"),
    ]);
}
