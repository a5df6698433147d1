using Xunit;

namespace Quorate.Conformance.Tests;

/// <summary>python3-etcd3, a client with stubs of its own.</summary>
public sealed class PythonTests
{
    private const string Script = """
        import sys, etcd3
        port = int(sys.argv[1])
        c = etcd3.client(host='127.0.0.1', port=port, timeout=10)
        c.put('py/a', '1'); c.put('py/b', '2')
        assert c.get('py/a')[0] == b'1', c.get('py/a')
        assert [v for v, _ in c.get_prefix('py/')] == [b'1', b'2']
        assert c.replace('py/a', '1', '3') and not c.replace('py/a', '1', '4')
        assert c.put_if_not_exists('py/c', 'x') and not c.put_if_not_exists('py/c', 'y')
        ok, results = c.transaction(
            compare=[c.transactions.value('py/a') == '3', c.transactions.version('py/b') > 0],
            success=[c.transactions.put('py/a', '5'), c.transactions.get('py/a'), c.transactions.delete('py/b')],
            failure=[c.transactions.get('py/a')])
        assert ok and results[1][0][0] == b'5', results
        assert c.get('py/b') == (None, None)
        assert c.delete('py/c') and not c.delete('py/c')
        assert [v for v, _ in c.get_range('py/a', 'py/z', sort_order='descend', sort_target='value')] == [b'5']
        revision = c.status().raft_index
        assert revision > 0 and c.status().leader is not None
        assert [m.name for m in c.members], list(c.members)
        c.compact(c.get('py/a')[1].mod_revision)
        print('python ok')
        """;

    [Fact]
    public async Task Python_etcd3_reads_writes_and_runs_transactions_through_every_node()
    {
        string python = Tool.FindPythonWithEtcd3();
        using ClusterProcesses cluster = ClusterProcesses.StartReady(3);
        await cluster.FindLeaderAsync();
        foreach (ServerProcess server in cluster.Servers)
        {
            string output = Tool.Run(
                python, ["-c", Script, server.ClientPort.ToString(System.Globalization.CultureInfo.InvariantCulture)]).Succeeded();
            Assert.Equal("python ok\n", output);
        }
    }
}
