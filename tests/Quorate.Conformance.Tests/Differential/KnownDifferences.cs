using System.Collections.Immutable;
using System.Text.RegularExpressions;

namespace Quorate.Conformance.Tests.Differential;

/// <summary>
/// What differs from etcd 3.4.23 and why. The first line that covers a difference gives its reason; a difference that none covers, and a line
/// that covers none, fail the test.
/// </summary>
internal static class KnownDifferences
{
    private const string Texts = "JSON that cannot be read: our own words, which name the field";
    private const string As36 = "As etcd 3.6";

    public static readonly ImmutableArray<KnownDifference> All =
    [
        Known("^(range/a target|maintenance/an action|users/permissions for no key).* process$", "etcd 3.4 panics, and the process ends"),
        Known("^(range|txn)/.*order.* answer$", $"{As36}: an order or target that is none is refused"),
        Known("^range/a stream of parts/", "RangeStream is of etcd 3.7"),
        Known("^watch/a revision below 0/", $"{As36}.6: a negative start is refused"),
        Known("^watch over a compaction/the value before", "The value before a change is told as long as it is still there; etcd leaves it out once its revision is compacted"),
        Known("^grpc/a token while nobody", $"{As36}: while auth is off nobody looks at a token"),
        Known("^grpc/a path without a method", "As newer grpc-go: there is no such method, so Unimplemented"),
        Known("^grpc/(a field cut|a length|a wire|field 0|an end)", "A message that cannot be read is InvalidArgument: nothing happened. Internal leaves that open"),
        Known("^grpc/a field of another type", "A field of another wire type counts as an unknown one, as protobuf has it"),

        Known("^maintenance/status/.* (storageversion|downgradeinfo)$", $"{As36}, which has these fields"),
        Known("^maintenance/.*alarm.* alarms", "An alarm of no kind is not kept"),
        Known("^maintenance/.* (header.*|body|)$", $"{As36}: an answer about alarms has a header"),
        Known("^maintenance/hash of the keys.* (hash_revision|answer)$", $"{As36}, which tells the revision that was hashed, and hashes the compacted one"),
        Known("^cluster/updated", "The URLs of a member are looked at first: etcd takes any for a member that is there"),
        Known(@"^cluster changes/added with two urls/.* member(s\[0\])?\.peerurls", "URLs stay in the order in which they were given; etcd sorts them"),

        Known(@"^cluster changes/a learner added/.* members\[0\]\.islearner$", "etcd 3.4 forgets that a member is a learner when its URLs change"),
        Known(@"^maintenance/a snapshot's first.* \[0\]\.version$", $"{As36}, which tells a version; here it is that of our format"),
        Known("^maintenance/downgrade|^users.*/(without a token, )?status", "Downgrade and AuthStatus are of etcd 3.5"),
        Known("^users/too long a password", $"{As36}: bcrypt takes 72 bytes. 3.4 drops the rest in silence, and whoever knows the first 72 logs in"),
        Known("^users/permissions/.* perm", "Permissions of one key stand in order of their ends; in etcd as it happens"),
        Known(@"^users are asked for/not judged by 3\.4", "As etcd 3.7. 3.4 judges these not at all, or not all that they do"),
        Known("^users are asked for/.*(maintenance|snapshot)", $"{As36}: refusals of the Maintenance service have the status that they have elsewhere"),

        Known("^(lease|maintenance|cluster changes|users)/.*json http$", $"{As36}: gateway v2 says 400 where v1 says 412"),
        Known("^(put|gateway)/.*limit.*/json (error|message)$|^gateway/a body of", "The size is judged before the JSON is decoded, so the numbers are of JSON"),
        Known("^gateway/null in a list", "etcd 3.4 panics, and the connection breaks"),
        Known("^gateway/(two members|a field twice|both names|null alone|a number's text with a space)", $"{As36}: refused as ambiguous or malformed"),
        Known("^gateway/(a number with (a fraction of 0|an exponent)|base64 (without|of the other)).* answer$", $"{As36}: accepted"),
        Known("^gateway/(text behind|two objects)", "One request is one object: what stands behind it is not dropped in silence"),
        Known("^gateway/(get|put|delete|head|a path|a service|a version|the alpha|a slash|two slashes|the root)", $"{As36}: unknown paths and methods are told in JSON. There are no redirects"),
        Known("^(gateway/(version|health)|maintenance/an alarm raised and)/?.* (etcdcluster|etcdserver|storage|content-type|reason)$", $"{As36}, whose version is reported; `reason` is there since 3.5"),
        Known("^(gateway|watch)/.*json (error|message|code|http)", Texts),
    ];

    private static KnownDifference Known(string where, string reason) => new(new Regex(where), reason);
}
