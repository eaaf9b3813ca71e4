#!/usr/bin/env bash
# Holds cohorts that are spread over ranks to one process, byte by byte: standard output, standard error and all files.
#   mpi_cohorts.sh TAPETUM [SUBJECTS]     the command, built with `--features mpi`; 200 made subjects where no number is given
# Wants mpirun of OpenMPI and python3. It installs nothing. Fails at the first difference, and says which.
set -euo pipefail
tools=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
tapetum=$(realpath "${1:?the command is expected}")
subjects=${2:-200}
for tool in mpirun python3 diff; do
    command -v "$tool" >/dev/null || { echo "$tool is missing" >&2; exit 1; }
done
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
export OMPI_MCA_rmaps_base_oversubscribe=1 OMPI_MCA_btl=self,vader TAPETUM_DEVICE=cpu
python3 "$tools/make_cohort.py" "$work" "$subjects"

# The outcome of a line: its exit code, what it prints without mpirun's own lines, and its files.
leaves() {
    local into=$1 code=0
    shift
    rm -rf out out.*
    "$@" >stdout 2>stderr || code=$?
    mkdir -p "$into"
    echo "$code" >"$into/code"
    mv stdout "$into/stdout"
    own_lines stderr >"$into/stderr"
    mkdir "$into/files"
    find . -maxdepth 1 \( -name out -o -name "out.*" \) -exec mv -t "$into/files" {} +
}

# mpirun adds what it thinks of an exit code: a ruler, its text, and a ruler.
own_lines() {
    awk '/^------------------------------------------------------------*$/ { inside = !inside; next } !inside && !/^\[[^]]*\] [0-9]+ more process(es)? ha(s|ve) sent help message|^\[[^]]*\] Set MCA parameter "orte_base_help_aggregate"/' "$1" |
        sed -e :a -e '/^\n*$/{$d;N;ba' -e '}'
}

compared=0
# holds WHAT CODE TEXT ARGUMENTS..: a line of the command ends with CODE and says TEXT, and ranks leave what one process leaves.
holds() {
    local what=$1 code=$2 text=$3
    shift 3
    rm -rf one ranks
    leaves one "$tapetum" "$@"
    if [ "$(cat one/code)" != "$code" ] || ! grep -qF -- "$text" one/stdout one/stderr; then
        echo "$what: exit code $(cat one/code), and \`$text\` with code $code is expected of one process:" >&2
        cat one/stdout one/stderr >&2
        exit 1
    fi
    for ranks in 1 2 3 4; do
        leaves ranks timeout 300 mpirun --allow-run-as-root --oversubscribe -n "$ranks" "$tapetum" "$@"
        if ! diff -r one ranks >difference; then
            echo "$what: $ranks ranks differ from one process:" >&2
            head -40 difference >&2
            exit 1
        fi
        rm -rf ranks
    done
    local files
    files=$(find one/files -type f | wc -l)
    echo "$what: $files files, exit code $code, the same on 1, 2, 3 and 4 ranks"
    compared=$((compared + 1))
}

# Each line reads and writes by the same names, so that what it prints can be compared.
holds 'correlation of a tree' 1 'no result of' connectivity --bids tree --kind correlation,partial-correlation -o out
holds 'the same as JSON' 1 '"failed"' connectivity --bids tree --kind correlation,partial-correlation -o out --json
holds 'tangents and covariances' 0 '"converged": true' connectivity --bids 'tree/sub-000[0-4]/func/*_stat-mean_timeseries.tsv' --kind tangent,covariance -o out --json
holds 'denoising' 1 'desc-confounds_timeseries.tsv is expected' denoise --bids tree --strategy motion6 --detrend -o out
holds 'denoising as JSON, with a band' 1 '"censored"' denoise --bids tree --strategy motion6 --band 0.01 0.1 -o out --json
holds 'another number of regions' 1 '11 regions, where the first file has 12' connectivity --bids other -o out
holds 'fewer files than ranks' 0 'files: 2' connectivity --bids tree --participant 0001,0002 -o out
holds 'no such tree' 1 'nowhere' connectivity --bids nowhere -o out
holds 'subjects of a table' 0 "$subjects subjects" connectivity table.csv --kind partial-correlation -o out.npz
holds 'the same as JSON' 0 '"condition"' connectivity table.csv --kind partial-correlation -o out.npz --json
holds 'tangents of a table' 0 "$subjects subjects" connectivity table.csv --kind tangent -o out.npy
holds 'one file' 0 'frames' connectivity tree/sub-0000/func/sub-0000_task-rest_space-MNI152NLin2009cAsym_seg-Made12_stat-mean_timeseries.tsv -o out.npy --json
holds 'clusters of graphs' 0 'in 3 clusters' topology cluster graphs/*.tsv --clusters 3 --seed 1 -o out
holds 'barycentre' 0 'graphs' topology barycenter graphs/*.tsv -o out --json
holds 'two groups' 0 'transpositions' topology test graphs/*[0-4]_relmat.tsv --against graphs/*[5-9]_relmat.tsv --transpositions 2000 -o out
holds 'a graph that is not symmetric' 1 'a symmetric matrix is expected' topology cluster asymmetric/*.tsv --clusters 2 -o out
holds 'a file that is missing' 1 'nowhere.tsv' topology barycenter graphs/sub-000*.tsv nowhere.tsv -o out
holds 'a line that is wrong' 2 '--clusters' topology cluster graphs/*.tsv -o out
echo "$compared lines held"
