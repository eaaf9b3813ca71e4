#!/bin/sh
# Builds target/release/libtapetum.so (.dylib, .dll) and libtapetum.a.
set -eu
cd "$(dirname "$0")/../.."
exec cargo rustc --release --lib --no-default-features --features host,c --crate-type cdylib,staticlib
