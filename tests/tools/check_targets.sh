#!/usr/bin/env bash
# Type-checks the library for macOS, Windows, iOS and Android on Linux, without linking, with the features of a program that runs workflows.
#
#   tests/tools/check_targets.sh [TARGET...]       FEATURES=none checks the engine alone
#
# The standard library is built from its sources (-Zbuild-std), which Debian's `rustc-web cargo-web rust-web-src` bring; CARGO names another
# cargo that has them. These features take no C code, so that no target needs a C compiler or an SDK.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
targets=("$@")
[ $# -gt 0 ] || targets=(aarch64-apple-darwin x86_64-pc-windows-msvc aarch64-apple-ios aarch64-linux-android)
features=${FEATURES:-host,checkpoint,workflow,report}
[ "$features" != none ] || features=
cargo=${CARGO:-/usr/bin/cargo}
RUSTC=${RUSTC:-$(dirname "$cargo")/rustc}
export RUSTC RUSTC_BOOTSTRAP=1 CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-target}/targets"
"$RUSTC" --version
"$cargo" check --quiet --locked -Zbuild-std=std,panic_abort "${targets[@]/#/--target=}" --lib --no-default-features --features "$features"
echo "checked for ${targets[*]}, features: ${features:-none}"
