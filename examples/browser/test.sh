#!/bin/sh
# Holds the page in headless Chromium, with WebGPU on SwiftShader, to the native command. On 2 quiet cores: the page learns in a minute, the rest takes
# another.
#
#   examples/browser/test.sh [PAGE]     PAGE is what build.sh made, target/browser where it is not given
#
# It needs node, Debian's package chromium (CHROMIUM), the npm package playwright-core (NODE_MODULES is the folder it was installed in) and the command
# `tapetum` (TAPETUM). Screenshots are kept in SHOTS. ONLY=learns,check runs the tests whose names contain one of these.
set -eu
cd "$(dirname "$0")/../.."
page=${1:-target/browser}
shots=${SHOTS:-target/browser_shots}
native=$(mktemp -d)
trap 'rm -rf "$native"' EXIT
"${TAPETUM:-target/release/tapetum}" demo --device cpu --steps 20 --out "$native" >/dev/null 2>&1
node examples/browser/test.mjs "$page" "$native/loss.csv" "$shots"
