#!/bin/sh
# Compares the header with the sources, compiles the programs against the library, and runs them natively and under valgrind.
# `./test.sh` builds the library; `./test.sh FOLDER` takes the one in that folder.
set -eu
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export TMPDIR="$work"
target=${CARGO_TARGET_DIR:-../../target}

cargo run --quiet --manifest-path header/Cargo.toml --target-dir "$target/header" -- "$work/tapetum.h"
diff -u include/tapetum.h "$work/tapetum.h" || {
    echo "include/tapetum.h differs from its sources: cargo run --manifest-path header/Cargo.toml -- include/tapetum.h"
    exit 1
}

library=${1:-}
if [ -z "$library" ]; then
    ./build.sh
    library=$target/release
fi

flags="-std=c11 -Wall -Wextra -Werror -pedantic -Wconversion -Wshadow -g -O1 -pthread -Iinclude -I."
compile() {
    cc $flags "$1" -o "$work/$(basename "$1" .c)" -L"$library" -ltapetum -Wl,-rpath,"$(realpath "$library")" -lm
}
for program in *.c tests/*.c; do
    compile "$program"
    name=$(basename "$program" .c)
    echo "== $name"
    "$work/$name"
    # The workers of the thread pool last as long as the process, so that the blocks of their stacks are not lost: definite losses count.
    # Drivers of GPUs are not what is tested here, so that none is loaded.
    VK_DRIVER_FILES=/nonexistent VK_ICD_FILENAMES=/nonexistent valgrind --quiet --error-exitcode=1 --leak-check=full --show-leak-kinds=definite \
        --errors-for-leak-kinds=definite "$work/$name" >/dev/null
done

echo "== the static library, and C++"
cc $flags correlation.c -o "$work/static" "$library/libtapetum.a" -lm -ldl
"$work/static"
printf '#include "tapetum.h"\nint main() { return tapetum_handles() != 0; }\n' >"$work/header.cpp"
c++ -std=c++17 -Wall -Wextra -Werror -pedantic -Iinclude "$work/header.cpp" -o "$work/header" -L"$library" -ltapetum \
    -Wl,-rpath,"$(realpath "$library")"
"$work/header"

if command -v mcs >/dev/null; then
    echo "== C#"
    mcs -warnaserror -out:"$work/Tapetum.exe" Tapetum.cs
    LD_LIBRARY_PATH="$(realpath "$library")" mono "$work/Tapetum.exe"
else
    echo "== C# is left out: there is no mcs (mono-mcs)"
fi
