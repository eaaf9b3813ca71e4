#!/usr/bin/env bash
# Runs the kernels on cooperative matrices on a machine whose GPU has none. Mesa's software Vulkan, llvmpipe, has matrices of 8 x 8 x 8 in
# subgroups of 8, in version 26.2 for one, but not yet in Debian 12. Debian's unstable release is put into a folder, and the command is run
# in there: it proves the matrices, and then every kernel that has a variant for them is held to its definition in that variant.
#   cooperative.sh TAPETUM [FOLDER]
# TAPETUM is the command, built without `mpi`. FOLDER is filled if Mesa is not in it, and kept; without it, a temporary one is taken. Wants
# root, debootstrap and unshare, 1 GB and, on two cores, a quarter of an hour. What it mounts is seen by no other process.
set -euo pipefail
tapetum=$(realpath "$1")
work=$(mktemp -d)
trap 'rm -rf --one-file-system "$work"' EXIT
root=${2:-$work/debian}

fail() {
    echo "cooperative.sh: $*" >&2
    exit 1
}

for tool in debootstrap unshare; do
    command -v "$tool" >/dev/null || fail "$tool is missing"
done
if [ ! -e "$root/usr/share/vulkan/icd.d/lvp_icd.json" ]; then
    echo "Debian is put into $root"
    debootstrap --variant=minbase --include=ca-certificates,libvulkan1,mesa-vulkan-drivers sid "$root" >"$work/debootstrap" ||
        { tail "$work/debootstrap" >&2; fail "debootstrap failed"; }
fi
install -D "$tapetum" "$root/usr/local/bin/tapetum"

# Vectors of 256 bits make subgroups of 8.
within() {
    unshare --mount bash -c 'mount --rbind /proc "$0/proc" && mount --rbind /dev "$0/dev" && exec chroot "$0" "$@"' "$root" \
        env XDG_RUNTIME_DIR=/tmp TAPETUM_CACHE=none LP_NATIVE_VECTOR_WIDTH=256 tapetum "$@"
}

within devices | tee "$work/devices" | grep 'cooperative matrices:' || fail "no adapter: $(cat "$work/devices")"
grep -q 'cooperative matrices: yes' "$work/devices" || fail "products do not run on cooperative matrices there"

for op in matmul correlation covariance degree neighbours parcel pairwise_mlp; do
    within check "$op" --device llvmpipe >"$work/$op.said" || { cat "$work/$op.said"; fail "$op failed"; }
    grep '=cooperative8' "$work/$op.said"
done
grep -oh '[a-z_]*/[a-z_]*=cooperative8' "$work"/*.said | sort -u >"$work/ran"
within shaders cooperative8 | awk '$2 ~ /^cooperative8/ { print $1 "=cooperative8" }' | sort -u >"$work/all"
[ -s "$work/all" ] || fail "no kernel has a variant for them"
missed=$(comm -13 "$work/ran" "$work/all")
[ -z "$missed" ] || fail "no check runs $missed"
echo "$(wc -l <"$work/all") kernels, each within its tolerance"
