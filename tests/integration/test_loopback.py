"""Everything real clients say to real servers on a loopback, with each engine and several workers, is reported exactly once."""

import clients as c
import live
import pytest
import talks as t

CONFIGURATIONS = [('afpacket', 1, 'lo'), ('afpacket', 1, 'any'), ('afpacket', 4, 'lo'), ('afpacket', 3, 'any'), ('libpcap', 1, 'lo'), ('libpcap', 1, 'any')]


@pytest.mark.parametrize('engine, workers, ifaces', CONFIGURATIONS)
def test_all_at_once(loopback, engine, workers, ifaces):
    with live.Live('--engine', engine, '--workers', workers, namespace=loopback.namespace, ifaces=ifaces) as w:
        run = t.all_exact(loopback, w, loopback.namespace,
                          (t.http_misc, c.over_ipv6(loopback.nginx)), (t.redis_pipelined, c.over_ipv6(loopback.redis)), (t.dns_tcp, c.over_ipv6(loopback.unbound)))
    assert {r['Capture']['Interface'] for r in run.roundtrips} == {'lo'}
    assert len({':' in r['Request']['Host'] for r in run.roundtrips}) == 2
