"""Between network namespaces: seen from the client, from the server, and from the host that bridges them, where every packet passes three
interfaces and still counts once; interfaces by name, by expression, and such that appear while the program runs."""

import time

import clients as c
import live
import pytest
import servers as s
import talks as t


ENGINES = {'one': ('afpacket', 1), 'three': ('afpacket', 3), 'libpcap': ('libpcap', 1)}
WHERE = [('client', 'eth0', 'one'), ('client', 'any', 'libpcap'), ('server', 'eth0', 'three'), ('server', 'any', 'one'), ('host', 'hc', 'three'), ('host', 'hs', 'libpcap'),
         ('host', 'any', 'one'), ('host', 'any', 'three'), ('host', 'any', 'libpcap'), ('host', 'h.+', 'one'), ('host', 'hs,hc', 'three'), ('host', '(hc|hs|br)', 'libpcap')]


@pytest.mark.parametrize('where, ifaces, engine', WHERE)
def test_where(bridged, where, ifaces, engine):
    net = bridged.net
    engine, workers = ENGINES[engine]
    with live.Live('--engine', engine, '--workers', workers, namespace=getattr(net, where), ifaces=ifaces) as w:
        run = t.all_exact(bridged, w, net.client)
    seen = {r['Capture']['Interface'] for r in run.roundtrips}
    assert seen <= ({'hc', 'hs', 'br'} if where == 'host' else {'eth0'})
    if ifaces in ('hc', 'hs'):
        assert seen == {ifaces}
    if where == 'host' and ifaces not in ('hc', 'hs'):
        assert run.ledger['flow']['copies'] > 1000


@pytest.mark.parametrize('engine, workers, ifaces', [('afpacket', 1, 'guest.*'), ('afpacket', 3, '(hs|guest.*)'), ('libpcap', 1, '(hs|guest.*)')])
def test_interface_appears(bridged, engine, workers, ifaces):
    """A container starts while the program runs, speaks, goes, and comes again. Where its traffic also passes an interface that was there
    before, it still counts once: each flow belongs to the same worker on both."""
    net, guest = bridged.net, bridged.net.client + 'g'
    reported = 0
    with live.Live('--engine', engine, '--workers', workers, namespace=net.host, ifaces=ifaces) as w:
        for turn in range(2):
            s.Veth.run('ip', 'netns', 'add', guest)
            try:
                net.plug('guest0', guest, '10.78.0.9')
                w.until(lambda got: w.text('err').count('guest0 has appeared') > turn)
                time.sleep(0.3)  # all workers have seen it
                log = c.Log()
                c.at_once(guest, (t.http_pipelined, log, bridged.nginx), (t.redis_pipelined, log, bridged.redis), (t.dns_tcp, log, bridged.unbound))
                w.reported(reported + len(log.exchanges))
                time.sleep(0.2)
                new = w.lines()[reported:]
                reported += len(new)
                live.truth.assert_exact(new, log.exchanges, w.text('err'))
                assert ifaces != 'guest.*' or {r['Capture']['Interface'] for r in new} == {'guest0'}
            finally:
                s.Veth.run('ip', 'netns', 'delete', guest)
            w.until(lambda got: w.text('err').count('guest0 is gone') > turn)
        err = w.text('err')
        run = w.stop()
    assert len(run.roundtrips) == reported
    assert err.count('guest0 has appeared') == err.count('guest0 is gone') == 2  # once for all workers
