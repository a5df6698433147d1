namespace Quorate.Tests.Cli;

/// <summary>The names of all flags that etcd takes for a member, from the help texts and flag sets of three versions.</summary>
internal static class EtcdFlagNames
{
    public static IEnumerable<string> All => string.Join(' ', Of34, AddedIn35, AddedIn36).Split((char[])[' ', '\n', '\r'], StringSplitOptions.RemoveEmptyEntries);

    // etcd 3.4.23
    private const string Of34 =
        """
        advertise-client-urls auth-token auth-token-ttl auto-compaction-mode auto-compaction-retention auto-tls
        backend-batch-interval backend-batch-limit bcrypt-cost cert-file cipher-suites client-cert-allowed-hostname
        client-cert-auth client-crl-file config-file cors data-dir debug discovery discovery-fallback discovery-proxy
        discovery-srv discovery-srv-name election-timeout enable-pprof enable-v2
        experimental-backend-bbolt-freelist-type experimental-compaction-batch-limit experimental-corrupt-check-time
        experimental-enable-lease-checkpoint experimental-enable-v2v3 experimental-initial-corrupt-check
        experimental-peer-skip-client-san-verification experimental-warning-apply-duration
        experimental-watch-progress-notify-interval force-new-cluster grpc-keepalive-interval grpc-keepalive-min-time
        grpc-keepalive-timeout heartbeat-interval host-whitelist initial-advertise-peer-urls initial-cluster
        initial-cluster-state initial-cluster-token initial-election-tick-advance key-file listen-client-urls
        listen-metrics-urls listen-peer-urls log-level log-outputs log-package-levels logger max-concurrent-streams
        max-request-bytes max-snapshots max-txn-ops max-wals metrics name peer-auto-tls peer-cert-allowed-cn
        peer-cert-allowed-hostname peer-cert-file peer-client-cert-auth peer-crl-file peer-key-file peer-trusted-ca-file
        pre-vote proxy proxy-dial-timeout proxy-failure-wait proxy-read-timeout proxy-refresh-interval
        proxy-write-timeout quota-backend-bytes snapshot-count strict-reconfig-check trusted-ca-file version wal-dir
        """;

    // etcd 3.5.33
    private const string AddedIn35 =
        """
        backend-bbolt-freelist-type client-cert-file client-key-file enable-grpc-gateway enable-log-rotation
        experimental-bootstrap-defrag-threshold-megabytes experimental-compact-hash-check-enabled
        experimental-compact-hash-check-time experimental-compaction-sleep-interval
        experimental-distributed-tracing-address experimental-distributed-tracing-instance-id
        experimental-distributed-tracing-sampling-rate experimental-distributed-tracing-service-name
        experimental-downgrade-check-time experimental-enable-distributed-tracing
        experimental-enable-lease-checkpoint-persist experimental-memory-mlock experimental-snapshot-catchup-entries
        experimental-stop-grpc-service-on-defrag experimental-txn-mode-write-with-shared-buffer listen-client-http-urls
        log-rotation-config-json peer-client-cert-file peer-client-key-file raft-read-timeout raft-write-timeout
        self-signed-cert-validity socket-reuse-address socket-reuse-port tls-max-version tls-min-version unsafe-no-fsync
        v2-deprecation
        """;

    // etcd 3.6.14
    private const string AddedIn36 =
        """
        bootstrap-defrag-threshold-megabytes compact-hash-check-time compaction-batch-limit compaction-sleep-interval
        corrupt-check-time discovery-cacert discovery-cert discovery-dial-timeout discovery-endpoints
        discovery-insecure-skip-tls-verify discovery-insecure-transport discovery-keepalive-time
        discovery-keepalive-timeout discovery-key discovery-password discovery-request-timeout discovery-token
        discovery-user distributed-tracing-address distributed-tracing-instance-id distributed-tracing-sampling-rate
        distributed-tracing-service-name downgrade-check-time enable-distributed-tracing
        experimental-warning-unary-request-duration feature-gates log-format max-learners memory-mlock
        peer-skip-client-san-verification snapshot-catchup-entries warning-apply-duration warning-unary-request-duration
        watch-progress-notify-interval
        """;
}
