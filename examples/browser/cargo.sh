#!/bin/sh
# Cargo for wasm32-unknown-unknown with the release profile: `cargo.sh VERB ARGUMENTS`.
#
#   WEB_CARGO  /usr/bin/cargo where rustup cannot add the target: Debian's `rustc-web cargo-web rust-web-src`
#   QUICK      1 for a module that is built in a third of the time, and is larger and slower
set -eu
cd "$(dirname "$0")/../.."
verb=$1
shift
target=wasm32-unknown-unknown

# 128-bit SIMD is in every browser that has WebGPU, and in all current others.
export CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS="-C target-feature=+simd128"
export CARGO_PROFILE_RELEASE_DEBUG=false
if [ "${QUICK:-0}" = 1 ]; then
    export CARGO_PROFILE_RELEASE_OPT_LEVEL=0 CARGO_PROFILE_RELEASE_LTO=off
    set -- --config 'profile.release.package.tapetum.opt-level=1' --config 'profile.release.package.gemm-f32.opt-level=1' "$@"
else
    # The crate for size, what multiplies matrices for speed.
    export CARGO_PROFILE_RELEASE_OPT_LEVEL=2 CARGO_PROFILE_RELEASE_LTO=fat CARGO_PROFILE_RELEASE_CODEGEN_UNITS=1
    set -- --config 'profile.release.package.tapetum.opt-level="s"' "$@"
fi
if [ -n "${WEB_CARGO:-}" ]; then
    # Debian's compiler brings the sources of its standard library, and no linker of its own for wasm: that of another Rust is taken.
    lld=${LLD:-$(env -u RUSTC rustc --print sysroot)/lib/rustlib/x86_64-unknown-linux-gnu/bin/rust-lld}
    export CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER="$lld"
    export RUSTC="$(dirname "$WEB_CARGO")/rustc" RUSTC_BOOTSTRAP=1
    set -- -Zbuild-std=std,panic_abort "$@"
fi
exec "${WEB_CARGO:-cargo}" "$verb" --release --target $target "$@"
