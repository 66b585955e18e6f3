#!/bin/sh
# Run the tests that touch media and ONNX at both ends of what `pyproject.toml` admits: on the newest Python at hand with
# the dependencies as pip takes them, and on the oldest with the lowest ones.
#     tests/versions.sh [newest] [lowest]
# Each end takes two to three minutes on two cores; PyTorch, the largest download by far, is tried by `make test` alone.
set -eu
cd "$(dirname "$0")/.."
PLACE=$(mktemp -d)
trap 'rm -rf "$PLACE"' EXIT
ROOMS="audio cli face generator media package prepare runtime speaking template tracking"
TOOLS="hypothesis librosa pytest pytest-xdist scikit-image"

# The first of these minor versions of Python 3 that is found on the path or among pyenv's.
python_of() {
    for minor in "$@"; do
        for candidate in "python3.$minor" "$HOME/.pyenv/versions/3.$minor".*/bin/python; do
            if "$candidate" -c "import sys; assert sys.version_info[:2] == (3, $minor)" 2> /dev/null; then
                echo "$candidate"
                return
            fi
        done
    done
    echo "no Python 3.$* is at hand" >&2
    return 1
}

run() {
    name=$1 python=$2
    shift 2
    "$python" -m venv "$PLACE/$name"
    "$PLACE/$name/bin/python" -m pip install --quiet "$@" $TOOLS
    "$PLACE/$name/bin/python" -m pip install --quiet --no-deps --editable .
    echo "$name: $("$PLACE/$name/bin/python" --version), $("$PLACE/$name/bin/python" -m pip freeze | grep -E '^(av|numpy|onnxruntime|opencv|protobuf|typer)' | tr '\n' ' ')"
    "$PLACE/$name/bin/python" -m pytest -q -p no:cacheprovider -n auto --maxprocesses 4 --dist loadgroup \
        -k "not real_footage" tests/test_avatar.py tests/test_conformance.py $(printf 'tests/%s ' $ROOMS)
}

# The dependencies of the package and of `[train]` without torch, as pyproject.toml states them or at their lowest.
dependencies() {
    "$1" - "$2" <<'PY'
import sys
import tomllib

with open("pyproject.toml", "rb") as file:
    project = tomllib.load(file)["project"]
for line in project["dependencies"] + project["optional-dependencies"]["train"]:
    if not line.startswith("torch"):
        print(line.replace(">=", "==") if sys.argv[1] == "lowest" else line)
PY
}

for end in ${*:-newest lowest}; do
    case $end in
        newest) python=$(python_of 20 19 18 17 16 15 14 13 12) ;;
        lowest) python=$(python_of 11) ;;
        *) echo "$end: expected newest or lowest" >&2 && exit 2 ;;
    esac
    run "$end" "$python" $(dependencies "$python" "$end")
done
