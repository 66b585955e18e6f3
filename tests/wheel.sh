#!/bin/sh
# Try the wheel as its users may have it: in a folder with blanks and letters beyond ASCII, installed read-only, run by
# nobody without a home, without network, under `python -W error`, two at once, one of which is killed and continued.
# Linux, as root (to become nobody and to leave the network), from the checkout:
#     tests/wheel.sh .venv/bin/python /usr/bin/python3.11
# The first Python has the development tools and the libraries, the second, which nobody may run, is of the same version.
set -eu
DEVELOPING=$1 PYTHON=$2
PLACE=$(mktemp -d)/"ünï cödé blank"
INSTALLED="$PLACE/installation" WORK="$PLACE/work"
mkdir -p "$INSTALLED" "$WORK"
export PYTHONDONTWRITEBYTECODE=1

"$DEVELOPING" -m pip wheel --quiet --no-deps --wheel-dir "$PLACE" .
"$PYTHON" -m venv --without-pip "$INSTALLED/venv"
SITE=$(echo "$INSTALLED"/venv/lib/python3*/site-packages)
"$DEVELOPING" -m pip install --quiet --no-deps --target "$SITE" "$PLACE"/*.whl
# The libraries alone: a folder that is named in a .pth file has its own .pth files ignored, among them this checkout's.
"$DEVELOPING" -c 'import site; print(site.getsitepackages()[0])' > "$SITE/libraries.pth"
PYTHONPATH="$SITE:tests" "$DEVELOPING" - "$WORK" <<'PY'
import sys
from pathlib import Path

import frame_generation_pipeline
from frame_generation_pipeline.making.checkpoint import write_tensors
from frame_generation_pipeline.making.pack import pack_avatar
from samples import seeded_encoder, seeded_network, write_template, write_wav

work = Path(sys.argv[1])
assert "installation" in frame_generation_pipeline.__file__
write_tensors(work / "5.pth", seeded_network().state_dict())
write_tensors(work / "encoder.pth", seeded_encoder().state_dict())
write_template(work / "t")
pack_avatar(work / "Zoë.avatar", checkpoint=work / "5.pth", template=work / "t", encoder=work / "encoder.pth")
write_wav(work / "höre mich.wav", 22)
PY
chmod -R a+rX "$(dirname "$PLACE")"
chmod -R a-w "$INSTALLED"
OUT="$WORK/out pùt" && mkdir "$OUT" && chmod 777 "$OUT"
find "$INSTALLED" -type f -exec sha256sum {} + | sort > "$PLACE/before"

as_nobody() {
    # ONNX Runtime looks for processors in /sys, which is another one in a network of its own; that is all it reads there.
    unshare -n setpriv --reuid=65534 --regid=65534 --clear-groups \
        env -i -C "$OUT" PATH=/usr/bin:/bin "$INSTALLED/venv/bin/python" -W error -m frame_generation_pipeline "$@"
}
say() { as_nobody generate --avatar "$WORK/Zoë.avatar" --audio "$WORK/höre mich.wav" --preset ultrafast --quiet "$@"; }

as_nobody --help > /dev/null
as_nobody info "$WORK/Zoë.avatar"
say -o "erste é.mp4" &
first=$!
say -o "zweite é.mp4" &
second=$!
wait $first
wait $second
say -o "dritte é.mp4" &
third=$!
until ls "$OUT/dritte é.mp4.partial/00000.segment" > /dev/null 2>&1; do sleep 0.05; done
pkill -9 -P $third 2> /dev/null || kill -9 $third
wait $third || true
say -o "dritte é.mp4"
cmp "$OUT/erste é.mp4" "$OUT/zweite é.mp4"
cmp "$OUT/erste é.mp4" "$OUT/dritte é.mp4"
as_nobody info "erste é.mp4"
test "$(ls "$OUT" | wc -l)" = 3
find "$INSTALLED" -type f -exec sha256sum {} + | sort | cmp - "$PLACE/before"
rm -rf "$(dirname "$PLACE")"
echo "the wheel holds"
