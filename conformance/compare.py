"""Let hosts in other languages make the same frames as Python, and fail at the first stage that differs.

`python conformance/compare.py bin/framegen-go ...`, which `make conformance` calls: each argument is a command line.
"""

import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from math import inf
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from frame_generation_pipeline.media.psnr import psnr
from frame_generation_pipeline.media.video_reader import read_image

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
AUDIO, AVATARS = HERE / "audio", HERE / "avatars"
REAL = ROOT.parent / "shared" / "real"  # a recording that is not part of the project; without it a case is left out
PYTHON = (sys.executable, "-m", "frame_generation_pipeline")
LOWEST_PSNR = 50.0  # dB, where audio is decoded by another program
FEW = 30  # frames, where more of them show nothing else


@dataclass(frozen=True)
class Speech:
    """What is said, by whom, and how near to Python's a host's frames must be."""

    name: str
    avatar: Path | None = None  # the built-in presenter when None
    model: Path | None = None  # a plain export and its template, in place of an avatar
    template: Path | None = None
    audio: Path | None = None
    features: Path | None = None
    gate: bool = True
    exact: bool = True  # the same bits; otherwise at least LOWEST_PSNR

    def make(self, command: tuple[str, ...], frames: Path) -> list[Path]:
        """The frames that a command line writes into the folder `frames`, as PNG."""
        if self.model is not None:
            return self._make_of_model(command, frames)
        options = {"--avatar": self.avatar, "--audio": self.audio, "--features": self.features, "--frames-dir": frames}
        arguments = [text for option, value in options.items() if value is not None for text in (option, str(value))]
        gate = [] if self.gate else ["--no-gate"]
        return _run([*command, "generate", "--quiet", *arguments, *gate], frames)

    def _make_of_model(self, command: tuple[str, ...], frames: Path) -> list[Path]:
        """Hosts have the options of SyncTalk_2D's ports there, under other names than Python."""
        arguments = [*command, "generate", "--quiet", "--model", str(self.model), "--template", str(self.template)]
        if command == PYTHON:
            arguments += ["--features", str(self.features), "--frames-dir", str(frames), "--blend", "reference"]
        else:
            arguments += ["--audio", str(self.features), "--output", str(frames), "--frame-format", "png"]
        return _run(arguments, frames)


def _run(command: list[str], frames: Path) -> list[Path]:
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return sorted(frames.glob("frame_*.png"))


def speeches(work: Path) -> list[Speech]:
    """What is compared; packages of the recording are made in the folder `work`."""
    compared = [
        Speech("presenter, 16 kHz WAV", audio=AUDIO / "syllables.wav"),
        Speech("streaming avatar, 16 kHz WAV", avatar=AVATARS / "streaming-160", audio=AUDIO / "syllables.wav"),
        Speech("presenter, Vorbis", audio=ROOT / "demo" / "hello.ogg", exact=False),
        *(
            Speech(
                f"plain export {name} of {features}",
                model=HERE / "plain" / f"{name}.onnx",
                template=HERE / "template",
                features=AUDIO / features,
            )
            for name, features in (("328-ave", "ave.npy"), ("328-ave", "ave-windows.bin"), ("160-hubert", "hubert.bin"))
        ),
    ]
    if not REAL.is_dir():
        print(f"{REAL} is absent: no recording is compared")
        return compared
    for image in ("jpg", "png"):
        package = work / f"person-{image}"
        options = ["--checkpoint", REAL / "checkpoint" / "person_ave.pth", "--template", REAL / "person"]
        formats = ["--frame-format", image, "--output", package]
        subprocess.run([*PYTHON, "pack", *map(str, (*options, *formats))], check=True, stdout=subprocess.DEVNULL)
        features = REAL / "person" / "aud_ave.npy"
        if image == "png":  # what differs is how a frame is decoded
            np.save(work / "begin.npy", np.load(features)[:FEW])
            features = work / "begin.npy"
        compared.append(Speech(f"person as {image}, features", avatar=package, features=features))
    return compared


def problem(expected: list[Path], actual: list[Path], exact: bool) -> str | None:
    """How the frames in these files differ more than they may, or None."""
    if len(expected) != len(actual):
        return f"{len(actual)} frames; Python makes {len(expected)}"
    worst = inf
    for index, paths in enumerate(zip(expected, actual, strict=True)):
        one, other = map(read_image, paths)
        if np.array_equal(one, other):
            continue
        if one.shape != other.shape:
            return f"frame {index} is {other.shape}; Python's is {one.shape}"
        error = float(np.mean((one.astype(np.float64) - other) ** 2))
        agreement = psnr(error)
        worst = min(worst, agreement)
        if exact:
            return f"frame {index} differs, {agreement:.1f} dB"
        if agreement < LOWEST_PSNR:
            return f"frame {index} is at {agreement:.1f} dB; expected {LOWEST_PSNR}"
    print(f"    {len(actual)} frames, {'the same bits' if worst == inf else f'at least {worst:.1f} dB'}")
    return None


def first_stage(speech: Speech, differs: Callable[[Speech], bool], features: Path) -> str:
    """The first stage at which a host differs from Python: trials that leave stages out, one after the other."""
    if speech.audio is None:
        return "decoding images, the programs or pasting: of the same features the frames differ"
    command = [*PYTHON, "features", str(speech.audio), "--output", str(features)]  # by default of the presenter's type
    if speech.avatar is not None:
        command += ["--encoder", str(speech.avatar / "programs/audio.onnx")]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    if differs(replace(speech, audio=None, features=features, exact=True)):
        return "decoding images, the programs or pasting: of the same features the frames differ"
    if differs(replace(speech, gate=False)):
        return "decoding audio, or the features: without the gate the frames differ"
    return "the gate: without it the frames are the same"


def main(hosts: list[str]) -> int:
    """Compare every host with Python; the number of differences."""
    failed = 0
    with TemporaryDirectory() as temporary:
        work = Path(temporary)
        for speech in speeches(work):
            print(speech.name)
            expected = speech.make(PYTHON, work / "python")
            for host in hosts:
                print(f"  {host}")
                difference = problem(expected, speech.make((host,), work / "host"), speech.exact)
                if difference is None:
                    continue
                failed += 1

                def differs(trial: Speech, host: str = host) -> bool:
                    frames = [trial.make(c, work / f"trial-{len(c)}") for c in (PYTHON, (host,))]
                    return problem(frames[0], frames[1], trial.exact) is not None

                print(f"    {difference}")
                print(f"    first stage that differs: {first_stage(speech, differs, work / 'features.npy')}")
    return failed


if __name__ == "__main__":
    sys.exit(1 if main(sys.argv[1:]) else 0)
