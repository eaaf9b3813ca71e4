#!/bin/sh
# Holds the page in headless Chromium, with WebGPU on SwiftShader, to the native command. On 2 quiet cores: the page learns in a minute, the rest takes
# another.
#
#   examples/browser/test.sh [PAGE [COMMAND...]]     PAGE is what build.sh made, target/browser where it is not given; COMMAND is the native
#                                                    command, target/release/tapetum where it is not given
#
# It needs node, Debian's package chromium (CHROMIUM) and the npm package playwright-core (NODE_MODULES is the folder it was installed in).
# Screenshots are kept in SHOTS, target/browser_shots where it is not given. ONLY=learns,check runs the tests whose names contain one of these.
set -eu
cd "$(dirname "$0")/../.."
page=${1:-target/browser}
[ $# -eq 0 ] || shift
[ $# -gt 0 ] || set -- target/release/tapetum
native=$(mktemp -d)
trap 'rm -rf "$native"' EXIT
"$@" demo --device cpu --steps 20 --out "$native" >/dev/null
node examples/browser/test.mjs "$page" "$native/loss.csv" "${SHOTS:-target/browser_shots}"
