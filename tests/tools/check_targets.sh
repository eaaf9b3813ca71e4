#!/usr/bin/env bash
# Type-checks the library for macOS, Windows, iOS and Android on Linux, without linking: the engine alone, and with the features of a program
# that embeds workflows.
#
#   tests/tools/check_targets.sh [TARGET...]
#
# The standard library is built from its sources (-Zbuild-std), which Debian's `rustc-web cargo-web rust-web-src` bring; CARGO names another
# cargo that has them. No target needs a C compiler or an SDK: the features that take C code (host, by gemm's and rayon's build scripts, does
# not) are those of the command.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
targets=("$@")
[ $# -gt 0 ] || targets=(aarch64-apple-darwin x86_64-pc-windows-msvc aarch64-apple-ios aarch64-linux-android)
cargo=${CARGO:-/usr/bin/cargo}
RUSTC=${RUSTC:-$(dirname "$cargo")/rustc}
export RUSTC RUSTC_BOOTSTRAP=1 CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-target}/targets"
"$RUSTC" --version
check() {
    "$cargo" check --quiet --locked -Zbuild-std=std,panic_abort "${targets[@]/#/--target=}" --lib --no-default-features "$@"
    echo "checked for ${targets[*]}: $* (after $SECONDS s)"
}
check
check --features host,checkpoint,workflow,report
