#!/usr/bin/env python3
"""Looks over the tracked files. Breaches (exit 1): paths of somebody's machine, unfinished work named in the code, scripts
without the right to run, big files. Warnings: files, functions and headers that have grown past the house's sizes.

usage: check-tree.py [--warnings] [ROOT]
"""
import os
import re
import subprocess
import sys

MACHINE = re.compile(r'(?<![\w.:/-])/(?:work|farm|root|tmp/bash_jobs)/|(?<![\w.:/-])/home/(?!user\b)\w+/')
UNFINISHED = re.compile(r'\b(?:TO' r'DO|FIX' r'ME|XX' r'X|not imple' r'mented)\b')
BINARY = ('.pcap', '.pcapng', '.gz', '.zst', '.bin', '.png', '.ico', '.woff2', '.raw')
SIZES = {'.c': 800, '.h': 150, '.py': 800, '.sh': 400}
FUNCTION_LINES = 60
FILE_BYTES = 400_000


def tracked(root):
    out = subprocess.run(['git', '-C', root, 'ls-files', '-z'], capture_output=True, check=False)
    if out.returncode == 0:
        return [f for f in out.stdout.decode().split('\0') if f]
    return sorted(os.path.relpath(os.path.join(d, f), root) for d, _, names in os.walk(root) for f in names
                  if not re.search(r'/(build[^/]*|\.git|__pycache__)(/|$)', d))


def is_seed(path):
    return '/seeds/' in path or path.startswith('tests/fuzz/corpus/') or path.endswith(BINARY)


def long_functions(lines):
    """(line, length, head) of each function that does not fit a screen; our braces open and close in column 0."""
    start = head = None
    for n, line in enumerate(lines, 1):
        if line.startswith('{'):
            start, head = n, lines[n - 2] if n > 1 else ''
        elif line.startswith('}') and start:
            if n - start > FUNCTION_LINES:
                yield start, n - start, head
            start = None


def look(root, path, breaches, warnings):
    full = os.path.join(root, path)
    if os.path.islink(full) or not os.path.isfile(full):
        return
    if os.path.getsize(full) > FILE_BYTES:
        breaches.append('%s: %d bytes; keep captures and data small' % (path, os.path.getsize(full)))
    if is_seed(path):
        return
    with open(full, encoding='utf-8', errors='replace') as f:
        text = f.read()
    lines = text.split('\n')
    for n, line in enumerate(lines, 1):
        if MACHINE.search(line):
            breaches.append('%s:%d: a path of one machine: %s' % (path, n, line.strip()[:100]))
        if path.startswith(('src/', 'tests/', 'bench/', 'bpf/')) and UNFINISHED.search(line):
            breaches.append('%s:%d: unfinished: %s' % (path, n, line.strip()[:100]))
    if text.startswith('#!') and not os.access(full, os.X_OK):
        breaches.append('%s: starts with #! but is not executable' % path)
    limit = SIZES.get(os.path.splitext(path)[1])
    if limit and len(lines) - 1 > limit:
        warnings.append('%s: %d lines, more than %d' % (path, len(lines) - 1, limit))
    if path.endswith('.c'):
        warnings.extend('%s:%d: %d lines: %s' % (path, n, length, head) for n, length, head in long_functions(lines))


def main():
    args = [a for a in sys.argv[1:] if a != '--warnings']
    root = args[0] if args else os.path.join(os.path.dirname(os.path.abspath(__file__)), '..')
    breaches, warnings = [], []
    files = tracked(root)
    for path in files:
        look(root, path, breaches, warnings)
    for line in breaches:
        print('breach: ' + line)
    if '--warnings' in sys.argv:
        for line in warnings:
            print('warning: ' + line)
    print('%d files, %d breaches, %d warnings' % (len(files), len(breaches), len(warnings)))
    sys.exit(bool(breaches) or not files)


main()
