#!/bin/sh
# The browser in CI, on Debian 12 as root beside a Rust toolchain: installs what is needed, checks that the library alone builds for wasm32, builds
# the page and runs its tests. What it builds lies outside of the repository.
#
#   examples/browser/ci.sh [COMMAND...]     COMMAND is the native command, as test.sh takes it
#
# Screenshots are kept in SHOTS, /tmp/tapetum_browser where it is not given.
set -eu
cd "$(dirname "$0")/../.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export SHOTS="${SHOTS:-/tmp/tapetum_browser}"

wanted="cargo-web chromium fonts-dejavu-core rust-web-src rustc-web"
command -v node >/dev/null || wanted="$wanted nodejs"
command -v npm >/dev/null || wanted="$wanted npm"
apt-get update -qq
DEBIAN_FRONTEND=noninteractive apt-get install -qqy --no-install-recommends $wanted >/dev/null
npm install --silent --no-audit --no-fund --prefix "$work" playwright-core@1.65.1
# wasm-bindgen must be of the version of the crate. Its lock file may name what the registry no longer has, so it is not taken.
version=$(sed -n '/^name = "wasm-bindgen"$/{n;s/version = "\(.*\)"/\1/p}' Cargo.lock)
CARGO_TARGET_DIR="$work/bindgen" CARGO_PROFILE_DEV_DEBUG=false CARGO_PROFILE_DEV_INCREMENTAL=false \
    cargo install --quiet --debug --no-default-features --version "$version" --bin wasm-bindgen --root "$work" wasm-bindgen-cli

quick() {
    WEB_CARGO=/usr/bin/cargo QUICK=1 CARGO_TARGET_DIR="$work/target" CARGO_TERM_QUIET=true "$@"
}
quick examples/browser/cargo.sh check --lib --no-default-features
quick env OUT="$work/page" WASM_BINDGEN="$work/bin/wasm-bindgen" WASM_OPT=none examples/browser/build.sh

# The package of build.sh is held to 2 MB, gzipped. To optimise it takes eight minutes of a processor, so that its size is told by this module, which
# is not optimised: it has 2.06 bytes, gzipped, for each of the other, and the package 0.03 MB of other files.
size=$(gzip -9 -c "$work/page/package/tapetum_bg.wasm" | wc -c)
[ "$size" -lt 4050000 ] || { echo "the module has $size bytes, gzipped, and less than 4,050,000 are expected"; exit 1; }
NODE_MODULES="$work" examples/browser/test.sh "$work/page" "$@"
