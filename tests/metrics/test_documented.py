"""docs/METRICS.md names everything that can be seen, and nothing else."""
import os
import re

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..')


def documented():
    with open(os.path.join(ROOT, 'docs', 'METRICS.md'), encoding='utf-8') as f:
        rows = [line.split('|')[1] for line in f if line.startswith('| `')]
    return {name for row in rows for name in re.findall(r'`(\w+)`', row)}


def exposed(probe, captures):
    names = set()
    for file in sorted(os.listdir(captures)):
        if file.endswith('.pcap'):
            text = probe('capture', os.path.join(captures, file), 'text', 'c').decode()
            names |= set(re.findall(r'^# TYPE (\S+)', text, re.M))
            protocols = set(re.findall(r'^packetd_completeness_ratio\{protocol="(\w+)"', text, re.M))
    assert len(names) > 60
    return {re.sub('^(%s)_' % '|'.join(protocols), 'P_', n) if not n.endswith('_rows') else n for n in names}


def test_every_name_is_documented(probe, captures):
    assert exposed(probe, captures) - documented() == set()


def test_every_documented_name_is_there(probe, captures):
    """But for those of exporters, interfaces and of databases, which a capture read by the probe does not have."""
    absent = {n for n in documented() - exposed(probe, captures) if not re.match('packetd_(exporter|sniffer|series_overflow)_|(mysql|postgresql)_', n)}
    assert absent == set()
