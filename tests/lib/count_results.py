#!/usr/bin/env python3
"""Prints "passed failed skipped" of one part's results.   usage: count_results.py meson|junit FILE EXIT_CODE

Within a meson test every cmocka test counts. A part that ended badly without saying which test failed counts as one failure."""

import json
import re
import sys
import xml.etree.ElementTree


def meson(path):
    passed = failed = skipped = 0
    with open(path, encoding='utf8') as f:
        for line in f:
            t = json.loads(line)
            text = (t.get('stdout') or '') + (t.get('stderr') or '')
            ok, bad = len(re.findall(r'^\[       OK \] ', text, re.M)), len(set(re.findall(r'^\[  FAILED  \] (\S+)$', text, re.M)))
            skip = len(re.findall(r'^\[  SKIPPED \] \S+$', text, re.M))
            if t['result'] == 'SKIP':
                skipped += 1
            elif t['result'] in ('OK', 'EXPECTEDFAIL'):
                passed, skipped = passed + max(ok, 1), skipped + skip
            else:
                passed, failed = passed + ok, failed + max(bad, 1)
    return passed, failed, skipped


def junit(path):
    total = failed = skipped = 0
    for s in xml.etree.ElementTree.parse(path).getroot().iter('testsuite'):
        total += int(s.get('tests'))
        failed += int(s.get('failures')) + int(s.get('errors'))
        skipped += int(s.get('skipped'))
    return total - failed - skipped, failed, skipped


def main():
    kind, path, code = sys.argv[1:]
    numbers = {'meson': meson, 'junit': junit}[kind](path)
    if code not in ('0', '5') and not numbers[1]:
        numbers = (numbers[0], 1, numbers[2])
    print(*numbers)


main()
