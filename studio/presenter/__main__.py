"""Make a synthetic presenter: stills, an idle loop, and speech whose mouth shapes are known; `build.sh` runs it all.

    python -m studio.presenter bake  -w work            the images all frames are made of, by path tracing
    python -m studio.presenter still -w work -o stills  a few expressions, to look at
    python -m studio.presenter idle  -w work -o idle    a loop for a template: frames and a lossless video
    python -m studio.presenter speech -w work -o speech --seconds 40   sentences by many voices, frames and truth
    python -m studio.presenter align *.wav -o human.wav                recordings of people as one, and the phones in it
    python -m studio.presenter join speech unheard -o footage.mkv      several speeches as one recording
    python -m studio.presenter template speech unheard -o template     likewise, with landmarks, to train with
    python -m studio.presenter revoice speech -o voices --kokoro kokoro          the same speech by other voices
    python -m studio.presenter listen speech -o start.safetensors      a generator that knows what voices do to mouths
    python -m studio.presenter strip unheard --avatar me.avatar -o strip.jpg   what it does for single phones
    python -m studio.presenter measure unheard --avatar me.avatar                how its lips follow the truth
    python -m studio.presenter deviation -w work speech                          how wide the rules open the mouth
    python -m studio.presenter halve run/generator.safetensors -o half.safetensors

Everything can be interrupted and goes on where it stopped when it is started again.
"""

import argparse
import json
from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import soundfile

from studio.presenter.footage import Progress, frames_of, join, video, write_frames, write_ground_truth
from studio.presenter.idle import Idle, states
from studio.presenter.key_expressions import SAMPLES, SIZE
from studio.presenter.lips import lips_alone
from studio.presenter.mesh import Character, build
from studio.presenter.phones import Phone
from studio.presenter.render import Renderer
from studio.presenter.speech import AUDIO, perform, speak
from studio.presenter.stills import write_stills
from studio.presenter.timing import write_audio
from studio.presenter.unwrap import kept_textures
from studio.presenter.viewpoint import frame_camera
from studio.presenter.visemes import ARTICULATORS, PHONES, weights

if TYPE_CHECKING:
    from studio.presenter.voices import Utterance

RESTING = weights(dict.fromkeys([*ARTICULATORS, "seal"], 0.0) | {"seal": 1.0})


def renderer(work: Path, size: int) -> Renderer:
    """Draws the person that was baked into `work`."""
    parts = build(Character(), work / "head.npz")
    view = frame_camera(parts)
    return Renderer(parts, kept_textures(parts, view, work), view, work, size)


def trace(arguments: argparse.Namespace) -> None:
    """The images that all frames are made of; needs Blender, and nothing else here does."""
    from studio.presenter.bake import Look, bake

    bake(Look(size=arguments.size, samples=arguments.samples), arguments.work)


def still(arguments: argparse.Namespace) -> None:
    """PNG of expressions and of single phones."""
    write_stills(renderer(arguments.work, arguments.size), arguments.phones.split(","), arguments.output)


def idle(arguments: argparse.Namespace) -> None:
    """Frames of the loop, and the video."""
    loop = states(Idle())
    draw = partial(renderer, arguments.work, arguments.size)
    write_frames(draw, dict(enumerate(loop)), arguments.output / "frames", Progress(len(loop)))
    video(frames_of(arguments.output / "frames"), arguments.output / "idle.mkv")


def speech(arguments: argparse.Namespace) -> None:
    """Audio, truth and frames of one recording (`--wav`, `--timings`) or of sentences by many voices."""
    folder = arguments.output
    speak(_utterances(arguments), folder)
    performed = perform(folder, arguments.seed + 20)
    lips = lips_alone(build(Character(), arguments.work / "head.npz")["skin"])
    openings = [lips.opening(state.weights) for state in performed.states]
    write_ground_truth(folder / "truth.npz", performed.states, performed.moves, performed.phones, openings)
    if arguments.unseen:
        return
    draw = partial(renderer, arguments.work, arguments.size)
    states = dict(enumerate(performed.states))
    if arguments.rest:
        resting = {i: replace(s, weights=s.weights | RESTING) for i, s in states.items() if i % 4 == 0}
        write_frames(draw, resting, folder / "rest", Progress(len(resting)), arguments.face)
    write_frames(draw, states, folder / "frames", Progress(len(states)), arguments.face)
    video(frames_of(folder / "frames"), folder / "speech.mkv", folder / AUDIO)


def _utterances(arguments: argparse.Namespace) -> Iterable["Utterance"]:
    """What the command `speech` is to say."""
    from studio.presenter.languages import speeches_in
    from studio.presenter.recorded import recorded
    from studio.presenter.voices import Utterance, speeches

    if arguments.recorded:
        return recorded(arguments.recorded)
    if arguments.language:
        return speeches_in(arguments.language, arguments.seconds, arguments.seed, arguments.kokoro, arguments.held_out)
    if not arguments.wav:
        return speeches(arguments.seconds, arguments.seed, arguments.kokoro, arguments.voices, mixed=arguments.mixed)
    audio, rate = soundfile.read(arguments.wav, dtype="float32", always_2d=True)
    phones = [Phone(*row) for row in json.loads(arguments.timings.read_text())]
    return [Utterance(audio[:, 0], rate, phones, arguments.wav.stem, "")]


def human(arguments: argparse.Namespace) -> None:
    """Recordings of human speech as one, with the phones in it, for `speech --wav --timings`."""
    from studio.presenter.align import align

    align(arguments.recordings, arguments.seconds, arguments.output, arguments.output.with_suffix(".json"))


def listen(arguments: argparse.Namespace) -> None:
    """A generator's checkpoint whose audio model has learned mouth shapes; figures of voices that it never heard."""
    from frame_generation_pipeline.making.checkpoint import write_tensors
    from frame_generation_pipeline.making.encoder import open_encoder
    from frame_generation_pipeline.making.torch_backend import load_network
    from frame_generation_pipeline.template.template import Template
    from studio.presenter.encoded_speech import EncodedSpeech, with_noise
    from studio.presenter.listen import learn, new_generator, report, retyped
    from studio.presenter.teacher import Teacher

    if arguments.like and not arguments.template:
        raise SystemExit("--like: give --template as well, the folder of a template of the person that it paints")
    encoder = open_encoder(arguments.encoder)
    old = load_network(arguments.like) if arguments.like else None
    start = arguments.start and load_network(arguments.start, encoder.spec.name)
    known = open_encoder(None, old.spec.audio.name) if old else None
    speech = with_noise(arguments.speech, encoder, known, arguments.foreign)
    generator = start or (retyped(old, speech) if old else new_generator(arguments.width, encoder.spec))
    teacher = Teacher.of(old, speech, Template.open(arguments.template)) if old else None
    network = learn(speech, generator, arguments.steps, teacher=teacher, further=start is not None)
    for folder in arguments.check:
        figures = report(network, EncodedSpeech.read(folder, encoder))
        print(f"{folder.name}: " + ", ".join(f"{name} {value:.3f}" for name, value in figures.items()))
    write_tensors(arguments.output, generator.state_dict())


def revoice(arguments: argparse.Namespace) -> None:
    """Audio of the same speech by other voices in rooms and noise, `voice_1.wav` and so on."""
    from studio.presenter.encoded_speech import disturbed
    from studio.presenter.revoice import revoiced

    arguments.output.mkdir(parents=True, exist_ok=True)
    recordings = [list(revoiced(folder, arguments.kokoro, arguments.count)) for folder in arguments.speech]
    for number, parts in enumerate(zip(*recordings, strict=True), 1):
        audio = disturbed(np.concatenate(parts), np.random.default_rng(number))
        write_audio(arguments.output / f"voice_{number}.wav", audio)


def template(arguments: argparse.Namespace) -> None:
    """Speeches as a template to train with."""
    from studio.presenter.template import write_template

    print(f"{arguments.output}: {write_template(arguments.speech, arguments.output)} frames")


def measure(arguments: argparse.Namespace) -> None:
    """An avatar's lips against the truth, and with a checkpoint the PSNR of its mouths."""
    from frame_generation_pipeline.avatar import Avatar
    from studio.presenter.measure import in_use, mouth_psnr

    avatar = Avatar.load(arguments.avatar)
    for folder in arguments.speech:
        if (folder / "rest").is_dir() and arguments.checkpoint:
            generated, unchanged = mouth_psnr(folder, arguments.checkpoint)
            print(f"{folder.name}: mouth PSNR {generated:.2f} dB, of the resting mouth {unchanged:.2f} dB", flush=True)
        else:
            figures = in_use(folder, avatar)
            print(f"{folder.name}: " + ", ".join(f"{name} {value}" for name, value in figures.items()), flush=True)


def deviation(arguments: argparse.Namespace) -> None:
    """How wide the mouth opens in speeches, as the tracker sees it."""
    from studio.presenter.deviation import measure_deviation

    states = [state for folder in arguments.speech for state in perform(folder, arguments.seed).states]
    figures = measure_deviation(renderer(arguments.work, arguments.size), states)
    print(", ".join(f"{name} {value:.3f}" for name, value in figures.items()))


def halve(arguments: argparse.Namespace) -> None:
    """A checkpoint of half the size, to begin from."""
    from safetensors.torch import load_file, save_file

    tensors = load_file(arguments.checkpoint)
    save_file({k: v.half() if v.is_floating_point() else v for k, v in tensors.items()}, arguments.output)


def strip(arguments: argparse.Namespace) -> None:
    """Truth and an avatar's frames of single phones."""
    from frame_generation_pipeline.avatar import Avatar
    from studio.presenter.strip import strip as draw

    draw(arguments.speech, arguments.output, Avatar.load(arguments.avatar))


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="presenter", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(required=True)
    for name, run in (("bake", trace), ("still", still), ("idle", idle), ("speech", speech), ("deviation", deviation)):
        command = commands.add_parser(name)
        command.add_argument("-w", "--work", type=Path, required=True, help="folder of the bake")
        command.set_defaults(run=run)
        if name == "bake":
            command.add_argument("--size", type=int, default=SIZE, help="pixels")
            command.add_argument("--samples", type=int, default=SAMPLES, help="rays a pixel")
            continue
        command.add_argument("--size", type=int, default=720, help="pixels")
        if name == "deviation":
            command.add_argument("speech", type=Path, nargs="+", help="folders of the command speech")
            command.add_argument("--seed", type=int, default=21)
            continue
        command.add_argument("-o", "--output", type=Path, required=True, help="folder")
        if name == "still":
            command.add_argument("--phones", default="aa,iy,uw,m,f,sh,th", help="ARPAbet: " + " ".join(PHONES))
        if name == "speech":
            command.add_argument("--seconds", type=float, default=40)
            command.add_argument("--seed", type=int, default=1)
            command.add_argument("--kokoro", type=Path, help="folder of Kokoro's model and voices")
            spoken = command.add_mutually_exclusive_group()
            spoken.add_argument("--voices", nargs="*", default=(), help="only these; default: all not held out")
            spoken.add_argument("--mixed", action="store_true", help="each sentence by a voice between two others")
            spoken.add_argument("--language", choices=("zh", "es", "hi"), help="instead of English, by its voices")
            command.add_argument("--held-out", action="store_true", help="its sentences that nothing learns from")
            command.add_argument("--unseen", action="store_true", help="audio and truth only, no frames")
            command.add_argument("--face", action="store_true", help="only the face and some rim, for training")
            command.add_argument("--rest", action="store_true", help="also every fourth frame with the mouth at rest")
            spoken.add_argument("--recorded", type=Path, help="all of this instead, the folder of festvox-ru's voice")
            spoken.add_argument("--wav", type=Path, help="speak this instead, with --timings")
            command.add_argument("--timings", type=Path, help="JSON list of [phone, start s, end s] or [.., stress]")
    command = commands.add_parser("strip")
    command.add_argument("speech", type=Path, nargs="+", help="folders of the command speech, with frames")
    command.add_argument("-o", "--output", type=Path, required=True, help="jpg")
    command.add_argument("--avatar", type=Path, required=True)
    command.set_defaults(run=strip)
    command = commands.add_parser("measure")
    command.add_argument("speech", type=Path, nargs="+", help="folders of the command speech")
    command.add_argument("--avatar", type=Path, required=True)
    command.add_argument("--checkpoint", type=Path, help="of its generator, for what speech --rest wrote")
    command.set_defaults(run=measure)
    command = commands.add_parser("revoice")
    command.add_argument("speech", type=Path, nargs="+", help="folders of the command speech, as they were joined")
    command.add_argument("-o", "--output", type=Path, required=True, help="folder for the audio")
    command.add_argument("--kokoro", type=Path, required=True, help="folder of Kokoro's model and voices")
    command.add_argument("--count", type=int, default=8)
    command.set_defaults(run=revoice)
    command = commands.add_parser("template")
    command.add_argument("speech", type=Path, nargs="+", help="folders of the command speech, with frames")
    command.add_argument("-o", "--output", type=Path, required=True, help="folder")
    command.set_defaults(run=template)
    command = commands.add_parser("halve")
    command.add_argument("checkpoint", type=Path)
    command.add_argument("-o", "--output", type=Path, required=True, help="safetensors of float16")
    command.set_defaults(run=halve)
    command = commands.add_parser("join")
    command.add_argument("speech", type=Path, nargs="+", help="folders of the command speech")
    command.add_argument("-o", "--output", type=Path, required=True, help="mkv; audio and phones are beside it")
    command.set_defaults(run=lambda a: join(a.speech, a.output))
    command = commands.add_parser("align")
    command.add_argument("recordings", type=Path, nargs="+")
    command.add_argument("-o", "--output", type=Path, required=True, help="wav; the phones are in a .json beside it")
    command.add_argument("--seconds", type=float, default=60)
    command.set_defaults(run=human)
    command = commands.add_parser("listen")
    command.add_argument("speech", type=Path, nargs="+", help="folders of the command speech")
    command.add_argument("-o", "--output", type=Path, required=True, help="safetensors")
    command.add_argument("--check", type=Path, nargs="*", default=(), help="speech of voices that are not learned from")
    command.add_argument("--start", type=Path, help="a generator to go on from; its audio model changes")
    command.add_argument("--like", type=Path, help="a generator that says what is to be said")
    command.add_argument("--template", type=Path, help="of the person that the generator of --like paints")
    command.add_argument("--foreign", type=Path, nargs="*", default=(), help="speech in languages it has not learned")
    command.add_argument("--width", type=int, default=16, help="of a new generator: 16 light, 32 full")
    command.add_argument("--encoder", type=Path, help="audio program for its features; default: the built-in one")
    command.add_argument("--steps", type=int, default=6000)
    command.set_defaults(run=listen)
    arguments = parser.parse_args()
    arguments.run(arguments)


if __name__ == "__main__":
    main()
