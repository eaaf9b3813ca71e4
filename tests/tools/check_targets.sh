#!/usr/bin/env bash
# Type-checks the library for macOS, Windows, iOS and Android on Linux, without linking, with the features of a program that runs workflows.
#
#   tests/tools/check_targets.sh [TARGET...]       FEATURES=none checks the engine alone
#
# The standard library is built from its sources (-Zbuild-std), which Debian's `rustc-web cargo-web rust-web-src` bring; CARGO names another
# cargo that has them. These features take no C code, so that no target needs a C compiler or an SDK. Two targets take five
# minutes of one processor, and the engine alone three.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
targets=("$@")
[ $# -gt 0 ] || targets=(aarch64-apple-darwin x86_64-pc-windows-msvc aarch64-apple-ios aarch64-linux-android)
features=${FEATURES:-host,checkpoint,workflow,report}
[ "$features" != none ] || features=
cargo=${CARGO:-/usr/bin/cargo}
RUSTC=${RUSTC:-$(dirname "$cargo")/rustc}
export RUSTC RUSTC_BOOTSTRAP=1 CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-target}/targets"
# Cargo builds the standard library where all else is checked. This back end writes what a check reads, and no machine code.
export RUSTFLAGS=-Zcodegen-backend=dummy CARGO_INCREMENTAL=0 CARGO_PROFILE_DEV_DEBUG=false
# Debian's compiler takes the allocator of the C library; with this one it takes a sixth less time.
allocator=$(find /usr/lib -name libjemalloc.so.2 -print -quit)
[ -z "$allocator" ] || export LD_PRELOAD="$allocator"
"$RUSTC" --version
"$cargo" check --quiet --locked -Zbuild-std=std,panic_abort -Zbuild-std-features= "${targets[@]/#/--target=}" \
    --lib --no-default-features --features "$features"
echo "checked for ${targets[*]}, features: ${features:-none}"
