#!/usr/bin/env bash
# Runs the tests, the kernels compiled with runtime checks. Those that are slow by nature (every variant of every kernel, whole studies)
# are run by `cargo test --release --features slow --test slow`.
#   tests/run.sh [FEATURES]        Cargo features beyond the default ones
# They want a Vulkan, Metal or DX12 adapter. Where there is none, a software one is installed on Debian and Ubuntu; elsewhere this
# says what to install.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# Mesa's drivers complain on standard error where this is not set.
export XDG_RUNTIME_DIR="${XDG_RUNTIME_DIR:-/nonexistent}"
targets=(--release --features "${1:-}" --lib --test engine --test library --test command)

has_adapter() {
    cargo test "${targets[@]}" --quiet an_adapter_runs_the_kernels >/dev/null 2>&1
}

install_software_vulkan() {
    if ! command -v apt-get >/dev/null; then
        echo "No Vulkan, Metal or DX12 adapter was found. Install a Vulkan driver and run this again: your GPU's, or Mesa's software driver" >&2
        echo "(mesa-vulkan-drivers on Fedora, vulkan-swrast on Arch, mesa-vulkan-swrast on Alpine, Mesa-libVulkan on openSUSE)." >&2
        exit 1
    fi
    local as_root=()
    [ "$(id -u)" -eq 0 ] || as_root=(sudo)
    echo "No Vulkan adapter was found: installing Mesa's software driver with apt-get." >&2
    "${as_root[@]}" apt-get update -q
    "${as_root[@]}" apt-get install -qy --no-install-recommends libvulkan1 mesa-vulkan-drivers
}

cargo test "${targets[@]}" --no-run
if ! has_adapter; then
    install_software_vulkan
    if ! has_adapter; then
        echo "Mesa's software driver is installed, and still no adapter runs compute shaders: \`vulkaninfo --summary\` may say why." >&2
        exit 1
    fi
fi
TAPETUM_CHECKS=1 cargo test "${targets[@]}"
cargo test --release --features "${1:-}" --doc
