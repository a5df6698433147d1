namespace Quorate.Conformance.Tests.Differential.Cases;

/// <summary>The Auth service, and what the others answer while users are asked for.</summary>
internal static class AuthCases
{
    // A user with a role over the keys [k, l), read and write, and w, write alone; another one with no role; one without a password.
    private const string Users = """
        UserAdd {"name":"root","password":"r"}
        UserGrantRole {"user":"root","role":"root"}
        UserAdd {"name":"u","password":"p"}
        UserAdd {"name":"v","password":"p"}
        UserAdd {"name":"n","options":{"no_password":true}}
        RoleAdd {"name":"some"}
        RoleGrantPermission {"name":"some","perm":{"permType":"READWRITE","key":"k","range_end":"l"}}
        RoleGrantPermission {"name":"some","perm":{"permType":"WRITE","key":"w"}}
        UserGrantRole {"user":"u","role":"some"}
        Put {"key":"a","value":"1"}
        Put {"key":"k1","value":"1"}
        """;

    private const string AsRoot = "Authenticate {\"name\":\"root\",\"password\":\"r\"}\n";
    private const string AsUser = "Authenticate {\"name\":\"u\",\"password\":\"p\"}\n";
    private const string Enabled = Users + "\nAuthEnable {}\n";

    private const string Teardown = AsRoot + """
        AuthDisable [token: @token] {}
        UserDelete {"name":"root"}
        UserDelete {"name":"u"}
        UserDelete {"name":"v"}
        UserDelete {"name":"n"}
        UserDelete {"name":"new"}
        RoleDelete {"role":"root"}
        RoleDelete {"role":"some"}
        RoleDelete {"role":"new"}
        """;

    public static readonly CaseGroup Management = new("Users", Users,
    [
        new("status while off", "AuthStatus {}"),
        new("lists", """
            UserList {}
            RoleList {}
            UserGet {"name":"u"}
            UserGet {"name":"root"}
            RoleGet {"role":"some"}
            RoleGet {"role":"root"}
            """),
        new("what is not there", """
            UserGet {"name":"nobody"}
            UserDelete {"name":"nobody"}
            UserChangePassword {"name":"nobody","password":"x"}
            UserGrantRole {"user":"nobody","role":"some"}
            UserGrantRole {"user":"v","role":"nothing"}
            UserRevokeRole {"name":"nobody","role":"some"}
            UserRevokeRole {"name":"v","role":"some"}
            UserRevokeRole {"name":"v","role":"nothing"}
            RoleGet {"role":"nothing"}
            RoleDelete {"role":"nothing"}
            RoleGrantPermission {"name":"nothing","perm":{"key":"a"}}
            RoleRevokePermission {"role":"nothing","key":"a"}
            RoleRevokePermission {"role":"some","key":"a"}
            RoleRevokePermission {"role":"some","key":"k"}
            """),
        new("what is there", """
            UserAdd {"name":"u","password":"other"}
            RoleAdd {"name":"some"}
            UserGrantRole {"user":"u","role":"some"}
            """),
        new("empty names", """
            UserAdd {"password":"x"}
            UserAdd {}
            UserAdd {"name":"new"}
            RoleAdd {}
            UserGet {}
            RoleGet {}
            UserGrantRole {}
            UserGrantRole {"user":"v"}
            UserDelete {}
            RoleDelete {}
            """),
        new("a user without a password", """
            UserAdd {"name":"new","password":"x","options":{"no_password":true}}
            UserChangePassword {"name":"n","password":"x"}
            UserChangePassword {"name":"u"}
            """),
        new("the longest password", """UserAdd {"name":"new","password":"123456789012345678901234567890123456789012345678901234567890123456789012"}"""),
        new("too long a password", """
            UserAdd {"name":"new","password":"1234567890123456789012345678901234567890123456789012345678901234567890123"}
            UserChangePassword {"name":"u","password":"1234567890123456789012345678901234567890123456789012345678901234567890123"}
            UserGet {"name":"new"}
            """),
        new("permissions", """
            RoleAdd {"name":"new"}
            RoleGrantPermission {"name":"new","perm":{"permType":"READ","key":"b","range_end":"c"}}
            RoleGrantPermission {"name":"new","perm":{"permType":"READ","key":"b"}}
            RoleGrantPermission {"name":"new","perm":{"permType":"WRITE","key":"b"}}
            RoleGrantPermission {"name":"new","perm":{"permType":"READWRITE","key":"a","range_end":"$00"}}
            RoleGet {"role":"new"}
            RoleRevokePermission {"role":"new","key":"b"}
            RoleRevokePermission {"role":"new","key":"a","range_end":"$00"}
            RoleRevokePermission {"role":"new","key":"a","range_end":"$00"}
            RoleGet {"role":"new"}
            """),
        new("permissions for no key", """
            RoleAdd {"name":"new"}
            RoleGrantPermission {"name":"new"}
            RoleGrantPermission {"name":"new","perm":{"permType":"READ"}}
            RoleGrantPermission {"name":"new","perm":{"permType":"READ","key":"b","range_end":"a"}}
            RoleGrantPermission {"name":"new","perm":{"permType":"READ","key":"b","range_end":"b"}}
            """),
        new("roles of users that are deleted", """
            RoleAdd {"name":"new"}
            UserGrantRole {"user":"u","role":"new"}
            UserGet {"name":"u"}
            RoleDelete {"role":"some"}
            UserGet {"name":"u"}
            UserRevokeRole {"name":"u","role":"new"}
            UserGet {"name":"u"}
            UserDelete {"name":"u"}
            UserGet {"name":"u"}
            UserList {}
            """),
        new("logged in while off", AsUser + """
            Authenticate {"name":"nobody","password":"p"}
            """),
        new("switched off while off", "AuthDisable {}"),
        new("switched on without root", """
            UserRevokeRole {"name":"root","role":"root"}
            AuthEnable {}
            UserDelete {"name":"root"}
            AuthEnable {}
            """),
        new("switched on twice, and off", """
            AuthEnable {}
            AuthEnable {}
            Authenticate {"name":"root","password":"r"}
            AuthEnable [token: @token] {}
            AuthDisable [token: @token] {}
            AuthDisable {}
            Range {"key":"a"}
            """),
    ])
    {
        Teardown = Teardown,
    };

    public static readonly CaseGroup Asked = new("Users are asked for", Enabled,
    [
        new("logged in", AsUser + """
            Authenticate {"name":"u","password":"wrong"}
            Authenticate {"name":"u"}
            Authenticate {"name":"nobody","password":"p"}
            Authenticate {"password":"p"}
            Authenticate {}
            Authenticate {"name":"n","password":"p"}
            Authenticate {"name":"n"}
            """),
        new("without a token", """
            Range {"key":"a"}
            Range {"key":"a","serializable":true}
            Put {"key":"a","value":"2"}
            DeleteRange {"key":"a"}
            Txn {"success":[{"request_range":{"key":"a"}}]}
            Txn {"success":[{"request_put":{"key":"a","value":"2"}}]}
            Lock {"name":"l"}
            Unlock {"key":"l"}
            Leader {"name":"e"}
            UserList {}
            UserGet {"name":"u"}
            UserAdd {"name":"new","password":"x"}
            UserChangePassword {"name":"u","password":"x"}
            UserGrantRole {"user":"u","role":"root"}
            UserRevokeRole {"name":"u","role":"some"}
            UserDelete {"name":"u"}
            RoleList {}
            RoleGet {"role":"some"}
            RoleAdd {"name":"new"}
            RoleGrantPermission {"name":"some","perm":{"key":"a"}}
            RoleRevokePermission {"role":"some","key":"w"}
            RoleDelete {"role":"some"}
            AuthDisable {}
            """),
        new("not judged by 3.4: without a token", """
            LeaseGrant {"ID":7,"TTL":300}
            LeaseLeases {}
            LeaseTimeToLive {"ID":7}
            LeaseTimeToLive {"ID":7,"keys":true}
            LeaseRevoke {"ID":7}
            Compact {"revision":"r+1"}
            Status {}
            Alarm {}
            Alarm {"action":"DEACTIVATE"}
            MemberList {}
            MoveLeader {"targetID":77}
            """),
        new("without a token, of the members", """
            MemberAdd {"peerURLs":["http://10.0.0.1:1234"]}
            MemberRemove {"ID":77}
            MemberUpdate {"ID":77,"peerURLs":["http://10.0.0.1:1234"]}
            MemberPromote {"ID":77}
            """),
        new("without a token, maintenance", """
            Defragment {}
            Hash {}
            HashKV {}
            """),
        new("without a token, status", "AuthStatus {}"),
        new("a wrong token", """
            Range [token: nonsense] {"key":"a"}
            Range [token: AAAAAAAAAAAAAAAA.12] {"key":"a"}
            Put [token: nonsense] {"key":"k1","value":"2"}
            Txn [token: nonsense] {"success":[{"request_put":{"key":"k1","value":"2"}}]}
            UserList [token: nonsense] {}
            AuthDisable [token: nonsense] {}
            MemberAdd [token: nonsense] {"peerURLs":["http://10.0.0.1:1234"]}
            Lock [token: nonsense] {"name":"l"}
            """),
        new("a wrong token, maintenance", """
            Defragment [token: nonsense] {}
            Hash [token: nonsense] {}
            HashKV [token: nonsense] {}
            """),
        new("a user's own keys", AsUser + """
            Range [token: @token] {"key":"k1"}
            Range [token: @token] {"key":"k","range_end":"l"}
            Range [token: @token] {"key":"k1","range_end":"k9","count_only":true}
            Put [token: @token] {"key":"k2","value":"1"}
            Put [token: @token] {"key":"k2","value":"2","prev_kv":true}
            Put [token: @token] {"key":"k2","ignore_value":true}
            Put [token: @token] {"key":"w","value":"1"}
            DeleteRange [token: @token] {"key":"w"}
            DeleteRange [token: @token] {"key":"k2","prev_kv":true}
            DeleteRange [token: @token] {"key":"k","range_end":"l"}
            """),
        new("others' keys", AsUser + """
            Range [token: @token] {"key":"a"}
            Range [token: @token] {"key":"a","serializable":true}
            Range [token: @token] {"key":"k","range_end":"m"}
            Range [token: @token] {"key":"a","range_end":"l"}
            Range [token: @token] {"key":"k","range_end":"$00"}
            Range [token: @token] {"key":"$00","range_end":"$00"}
            Range [token: @token] {"key":"w"}
            Range [token: @token] {"key":"l","range_end":"k"}
            Range [token: @token] {"key":"k5","range_end":"k2"}
            Range [token: @token] {"key":"k5","range_end":"a"}
            DeleteRange [token: @token] {"key":"z","range_end":"y"}
            Put [token: @token] {"key":"a","value":"2"}
            Put [token: @token] {"key":"l","value":"2"}
            Put [token: @token] {"key":"w","value":"2","prev_kv":true}
            Put [token: @token] {"key":"w2","value":"2"}
            DeleteRange [token: @token] {"key":"a"}
            DeleteRange [token: @token] {"key":"w","prev_kv":true}
            DeleteRange [token: @token] {"key":"k","range_end":"m"}
            DeleteRange [token: @token] {"key":"$00","range_end":"$00"}
            """),
        new("malformed, of others' keys", AsUser + """
            Range [token: @token] {}
            Put [token: @token] {"value":"1"}
            Put [token: @token] {"key":"a","value":"1","ignore_value":true}
            Put [token: @token] {"key":"a","lease":77,"value":"1"}
            Range [token: @token] {"key":"a","revision":"r+99"}
            Range [token: @token] {"key":"k1","revision":"r+99"}
            """),
        new("transactions", AsUser + """
            Txn [token: @token] {"compare":[{"key":"k1","target":"VERSION","result":"GREATER"}],"success":[{"request_put":{"key":"k1","value":"2"}}],"failure":[{"request_range":{"key":"k1"}}]}
            Txn [token: @token] {"compare":[{"key":"a","target":"VERSION","result":"GREATER"}],"success":[{"request_put":{"key":"k1","value":"2"}}]}
            Txn [token: @token] {"compare":[{"key":"w","target":"VERSION","result":"GREATER"}],"success":[{"request_put":{"key":"k1","value":"2"}}]}
            Txn [token: @token] {"compare":[{"key":"k","range_end":"m","target":"VERSION","result":"GREATER"}],"success":[{"request_put":{"key":"k1","value":"2"}}]}
            Txn [token: @token] {"success":[{"request_put":{"key":"k1","value":"2"}},{"request_put":{"key":"a","value":"2"}}]}
            Txn [token: @token] {"success":[{"request_put":{"key":"k1","value":"2"}}],"failure":[{"request_put":{"key":"a","value":"2"}}]}
            Txn [token: @token] {"success":[{"request_put":{"key":"k1","value":"2"}}],"failure":[{"request_range":{"key":"a"}}]}
            Txn [token: @token] {"success":[{"request_delete_range":{"key":"k1"}}],"failure":[{"request_delete_range":{"key":"a"}}]}
            Txn [token: @token] {"success":[{"request_delete_range":{"key":"w","prev_kv":true}}]}
            Txn [token: @token] {"success":[{"request_range":{"key":"w"}}]}
            Txn [token: @token] {}
            Range [token: @token] {"key":"k","range_end":"l"}
            """),
        new("not judged by 3.4: transactions", AsUser + """
            Txn [token: @token] {"success":[{"request_put":{"key":"w","value":"2","prev_kv":true}}]}
            Txn [token: @token] {"success":[{"request_txn":{"success":[{"request_put":{"key":"k1","value":"2"}}]}}]}
            Txn [token: @token] {"success":[{"request_txn":{"success":[{"request_put":{"key":"a","value":"2"}}]}}]}
            Txn [token: @token] {"success":[{"request_txn":{"failure":[{"request_range":{"key":"a"}}]}}]}
            Txn [token: @token] {"success":[{"request_txn":{"compare":[{"key":"a","target":"VERSION"}]}}]}
            """),
        new("a user without roles", """
            Authenticate {"name":"v","password":"p"}
            Range [token: @token] {"key":"k1"}
            Put [token: @token] {"key":"k1","value":"2"}
            UserGet [token: @token] {"name":"v"}
            RoleGet [token: @token] {"role":"some"}
            Txn [token: @token] {}
            """),
        new("leases", AsRoot + """
            LeaseGrant [token: @token] {"ID":7,"TTL":300}
            Put [token: @token] {"key":"a","value":"1","lease":7}
            LeaseTimeToLive [token: @token] {"ID":7,"keys":true}
            Authenticate {"name":"u","password":"p"}
            LeaseTimeToLive [token: @token] {"ID":7}
            Put [token: @token] {"key":"k1","value":"1","lease":7}
            LeaseRevoke [token: @token] {"ID":7}
            LeaseRevoke [token: @token] {"ID":99}
            LeaseGrant [token: @token] {"ID":8,"TTL":300}
            Put [token: @token] {"key":"k1","value":"1","lease":8}
            LeaseTimeToLive [token: @token] {"ID":8,"keys":true}
            LeaseRevoke [token: @token] {"ID":8}
            Range [token: @token] {"key":"k1"}
            """),
        new("not judged by 3.4: leases of others", AsRoot + """
            LeaseGrant [token: @token] {"ID":7,"TTL":300}
            Put [token: @token] {"key":"a","value":"1","lease":7}
            Authenticate {"name":"u","password":"p"}
            LeaseLeases [token: @token] {}
            LeaseTimeToLive [token: @token] {"ID":7,"keys":true}
            LeaseKeepAlive [token: @token] {"ID":7}
            LeaseKeepAlive? 1
            """),
        new("locks", AsUser + """
            LeaseGrant [token: @token] {"ID":7,"TTL":300}
            Lock [token: @token] {"name":"k","lease":7}
            Lock [token: @token] {"name":"a","lease":7}
            Unlock [token: @token] {"key":"a"}
            Unlock [token: @token] {"key":"k1"}
            Campaign [token: @token] {"name":"a","lease":7,"value":"1"}
            Leader [token: @token] {"name":"a"}
            Campaign [token: @token] {"name":"k1","lease":7,"value":"1"}
            Leader [token: @token] {"name":"k1"}
            """),
        new("watches", AsUser + """
            Watch [token: @token] {"create_request":{"key":"a"}}
            Watch? 1
            Watch {"create_request":{"key":"k","range_end":"l"}}
            Watch? 1
            Watch {"create_request":{"key":"k","range_end":"m"}}
            Watch? 1
            Watch {"create_request":{"key":"w"}}
            Watch? 1
            Watch {"create_request":{}}
            Watch? 1
            Put [token: @token] {"key":"k1","value":"2"}
            Watch? 1
            """),
        new("not judged by 3.4: a watch without an end", AsUser + """
            Watch [token: @token] {"create_request":{"key":"k1","range_end":"$00"}}
            Watch? 1
            """),
        new("a watch of others' keys", AsUser + """
            Watch [token: @token] {"create_request":{"key":"a"}}
            Watch? 1
            """),
        new("a watch of one's own keys", AsUser + """
            Watch [token: @token] {"create_request":{"key":"k","range_end":"l","start_revision":"r+2"}}
            Watch? 2
            """),
        new("a watch without a token", """
            Watch {"create_request":{"key":"k1"}}
            Watch? 1
            """),
        new("a watch with a wrong token", """
            Watch [token: nonsense] {"create_request":{"key":"k1"}}
            Watch? 1
            """),
        new("a user asks about users", AsUser + """
            UserGet [token: @token] {"name":"u"}
            UserGet [token: @token] {"name":"v"}
            UserGet [token: @token] {"name":"nobody"}
            UserList [token: @token] {}
            RoleGet [token: @token] {"role":"some"}
            RoleGet [token: @token] {"role":"root"}
            RoleGet [token: @token] {"role":"nothing"}
            RoleList [token: @token] {}
            """),
        new("a user changes users", AsUser + """
            UserAdd [token: @token] {"name":"new","password":"x"}
            UserAdd [token: @token] {}
            UserChangePassword [token: @token] {"name":"u","password":"x"}
            UserGrantRole [token: @token] {"user":"u","role":"root"}
            UserRevokeRole [token: @token] {"name":"u","role":"some"}
            UserDelete [token: @token] {"name":"v"}
            RoleAdd [token: @token] {"name":"new"}
            RoleGrantPermission [token: @token] {"name":"some","perm":{"permType":"READWRITE","key":"$00","range_end":"$00"}}
            RoleRevokePermission [token: @token] {"role":"some","key":"w"}
            RoleDelete [token: @token] {"role":"some"}
            AuthEnable [token: @token] {}
            AuthDisable [token: @token] {}
            """),
        new("a user, maintenance", AsUser + """
            Defragment [token: @token] {}
            Hash [token: @token] {}
            HashKV [token: @token] {}
            """),
        new("not judged by 3.4: maintenance", AsUser + """
            Alarm [token: @token] {"action":"DEACTIVATE"}
            MoveLeader [token: @token] {"targetID":77}
            Compact [token: @token] {"revision":"r+1"}
            """),
        new("a user, members", AsUser + """
            MemberAdd [token: @token] {"peerURLs":["http://10.0.0.1:1234"]}
            MemberRemove [token: @token] {"ID":77}
            MemberUpdate [token: @token] {"ID":77,"peerURLs":["http://10.0.0.1:1234"]}
            MemberPromote [token: @token] {"ID":77}
            MemberList [token: @token] {}
            """),
        new("a user takes a snapshot", AsUser + """
            Snapshot [token: @token] {}
            Snapshot? 1
            """),
        new("root", AsRoot + """
            Range [token: @token] {"key":"$00","range_end":"$00"}
            Put [token: @token] {"key":"z","value":"1"}
            UserList [token: @token] {}
            RoleList [token: @token] {}
            Defragment [token: @token] {}
            Compact [token: @token] {"revision":"r+1"}
            UserDelete [token: @token] {"name":"root"}
            UserRevokeRole [token: @token] {"name":"root","role":"root"}
            RoleDelete [token: @token] {"role":"root"}
            MemberRemove [token: @token] {"ID":77}
            """),
        new("a role that is taken away", AsUser + """
            Range [token: @token] {"key":"k1"}
            Authenticate {"name":"root","password":"r"}
            UserRevokeRole [token: @token] {"name":"u","role":"some"}
            Authenticate {"name":"u","password":"p"}
            Range [token: @token] {"key":"k1"}
            Put [token: @token] {"key":"k1","value":"2"}
            """),
        new("a permission that is given and taken away", AsRoot + """
            RoleGrantPermission [token: @token] {"name":"some","perm":{"permType":"READ","key":"a"}}
            Authenticate {"name":"u","password":"p"}
            Range [token: @token] {"key":"a"}
            Authenticate {"name":"root","password":"r"}
            RoleRevokePermission [token: @token] {"role":"some","key":"a"}
            Authenticate {"name":"u","password":"p"}
            Range [token: @token] {"key":"a"}
            """),
        new("a token after the password was changed", AsRoot + """
            UserChangePassword [token: @token] {"name":"root","password":"r"}
            Range [token: @token] {"key":"a"}
            Put [token: @token] {"key":"a","value":"2"}
            """),
        new("a token of a user that is gone", AsRoot + """
            UserAdd [token: @token] {"name":"new","password":"x"}
            UserGrantRole [token: @token] {"user":"new","role":"root"}
            Authenticate {"name":"new","password":"x"}
            UserDelete [token: @token] {"name":"new"}
            Range [token: @token] {"key":"a"}
            UserList [token: @token] {}
            """),
        new("a token from before users were switched off and on", AsRoot + """
            AuthDisable [token: @token] {}
            AuthEnable {}
            Range [token: @token] {"key":"a"}
            UserList [token: @token] {}
            """),
        new("authorization instead of token", AsRoot + """
            Range [authorization: @token] {"key":"a"}
            """),
    ])
    {
        Teardown = Teardown,
    };

    // A token is good for so many seconds after its last use, at ours up to a quarter more.
    public static readonly CaseGroup Expiry = new("Tokens that end", Enabled,
    [
        new("after a while", AsRoot + """
            Range [token: @token] {"key":"a"}
            WAIT 5
            Range [token: @token] {"key":"a"}
            Put [token: @token] {"key":"a","value":"2"}
            UserList [token: @token] {}
            """),
    ])
    {
        OwnServers = true,
        Arguments = ["--auth-token-ttl", "2"],
    };
}
