#!/usr/bin/env python3
"""Checks the rules that keep the source tree a pipeline; prints one line for each breach and exits 1.

  layers     no file includes a header of a layer above its own (table LAYERS)
  protocols  no protocol folder includes another one's
  functions  those that overflow, share hidden state or swallow errors are not called
  logging    only src/cmd and src/main.c write to standard output or standard error

usage: check-layers.py [ROOT]
"""
import os
import re
import sys

# folder under src/ -> the folders whose headers it may include
LAYERS = {'util': {'util'}}
for name, below in [('capture', 'util'), ('net', 'capture'), ('flow', 'net'), ('proto', 'flow'), ('roundtrip', 'proto')]:
    LAYERS[name] = {name} | LAYERS[below]
CORE = LAYERS['roundtrip']
LAYERS['config'] = CORE | {'config'}
LAYERS['metrics'] = CORE | {'metrics'}
LAYERS['process'] = CORE | {'process', 'metrics', 'config'}
LAYERS['export'] = CORE | {'export', 'process', 'metrics', 'config'}
LAYERS['server'] = CORE | {'server', 'export', 'process', 'metrics', 'config'}
LAYERS['cmd'] = LAYERS['server'] | {'cmd'}
LAYERS[''] = LAYERS['cmd']  # src/main.c

GENERATED = ('build_info.h',)  # written by the build

BANNED = ('strcpy', 'strcat', 'sprintf', 'vsprintf', 'gets', 'gmtime', 'localtime', 'ctime', 'asctime',
          'atoi', 'atol', 'atoll', 'atof', 'strtok', 'alloca')
LOGGING = ('printf', 'vprintf', 'puts', 'putchar', 'perror')
CALL = re.compile(r'(?<![\w.>])(%s)\s*\(' % '|'.join(BANNED))
LOG = re.compile(r'(?<![\w.>])(%s)\s*\(|(?<![\w.>])v?f(?:printf|puts|putc|write)\s*\([^;]*\bstd(?:out|err)\b' % '|'.join(LOGGING))
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*"([^"]+)"', re.M)
NOISE = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)


def without_noise(text):
    """The text with comments, strings and characters blanked, line numbers kept."""
    return NOISE.sub(lambda m: re.sub(r'[^\n]', ' ', m[0]), text)


def line_of(text, at):
    return text.count('\n', 0, at) + 1


def includes(path, folder, text):
    for m in INCLUDE.finditer(text):
        header, where = m[1], '%s:%d' % (path, line_of(text, m.start()))
        parts = header.split('/')
        if len(parts) == 1:
            if header not in GENERATED and not path.endswith('_test.c') and not os.path.exists(os.path.join(os.path.dirname(path), header)):
                yield '%s: "%s": name the folder, as in "util/base.h"' % (where, header)
            continue
        if parts[0] == 'tests' or parts[0] not in LAYERS:
            yield '%s: "%s": %s/ is no layer' % (where, header, parts[0])
        elif parts[0] not in LAYERS[folder[0]]:
            yield '%s: "%s": %s/ is above %s/' % (where, header, parts[0], folder[0])
        elif parts[0] == 'proto' and len(parts) > 2 and folder[0] == 'proto' and folder[1:2] != [parts[1]]:
            yield '%s: "%s": a protocol does not look into another\'s folder' % (where, header)


def calls(path, folder, text):
    code = without_noise(text)
    for m in CALL.finditer(code):
        yield '%s:%d: %s() is not used here' % (path, line_of(code, m.start()), m[1])
    if folder[0] in ('cmd', '') or path.endswith('_test.c'):
        return
    for m in LOG.finditer(code):
        yield '%s:%d: only src/cmd writes to standard output and standard error' % (path, line_of(code, m.start()))


def main():
    root = sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(os.path.abspath(__file__)), '..')
    os.chdir(root)
    found, files = [], 0
    for d, _, names in sorted(os.walk('src')):
        folder = os.path.relpath(d, 'src').split(os.sep)
        folder = [''] if folder == ['.'] else folder
        if folder[0] not in LAYERS:
            found.append('%s: no layer of this name in %s' % (d, os.path.basename(__file__)))
            continue
        for name in sorted(n for n in names if n.endswith(('.c', '.h'))):
            path = os.path.join(d, name)
            with open(path, encoding='utf-8') as f:
                text = f.read()
            files += 1
            found += includes(path, folder, text)
            found += calls(path, folder, text)
    print('\n'.join(found + ['%d files, %d breaches' % (files, len(found))]))
    sys.exit(bool(found) or not files)


main()
