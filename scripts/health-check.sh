#!/bin/sh
# Exits 0 when every given service is healthy and prints `OK name` for each; else one line each and exit code 1.
#
#   scripts/health-check.sh                     the service of this container, or all on the contract's ports
#   scripts/health-check.sh episodic-vault      by name, on its contract port + TORI_PORT_OFFSET
#   scripts/health-check.sh vault:50051         by address
set -eu
root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
program="$root/dist/services/common/health/main.js"
if [ ! -f "$program" ]; then
  echo "health-check: $program is absent; run npm run build" >&2
  exit 1
fi
exec node "$program" "$@"
