#!/bin/sh
# Records the captures of this folder again, or those named; as root. See record.py.
set -eu
exec /usr/bin/python3 "$(dirname "$0")/record.py" "$@"
