"""Evaluate files: read a generator and a prepared template, write `evaluation.json` and `evaluation.html`."""

import json
from importlib.metadata import version
from pathlib import Path
from typing import Any

from frame_generation_pipeline.audio.features import AudioFeatures
from frame_generation_pipeline.errors import library_errors
from frame_generation_pipeline.evaluate.evaluation import Evaluation, evaluate
from frame_generation_pipeline.evaluate.phones import read_phones
from frame_generation_pipeline.evaluate.subject import Subject, choose_frames
from frame_generation_pipeline.extras import needing_train_extra
from frame_generation_pipeline.files.fingerprint import file_digest
from frame_generation_pipeline.files.output import complete_file, prepare_folder
from frame_generation_pipeline.files.progress import Update
from frame_generation_pipeline.generator.protocol import choose_blend
from frame_generation_pipeline.making.encoder import load_encoder
from frame_generation_pipeline.template.prepared import AUDIO, features_name, recording_cuts
from frame_generation_pipeline.template.template import Template

JSON, PAGE = "evaluation.json", "evaluation.html"


@library_errors("the generator could not be measured")
def evaluate_files(
    path: str | Path,
    template_dir: str | Path,
    output_dir: str | Path,
    *,
    features_path: str | Path | None = None,
    encoder_path: str | Path | None = None,
    frames: str | None = None,
    seconds: float | None = None,
    mode: str | None = None,
    device: str = "auto",
    blend: str | None = None,
    phones_path: str | Path | None = None,
    seed: int = 0,
    progress: Update = lambda done, total, note="": None,
) -> tuple[Evaluation, dict[str, Any]]:
    """Evaluate the generator `path` on `template_dir`; returns the evaluation and the written JSON.

    path, mode, device: see `Subject.load`. features_path: by default `aud_<type>.npy` of the template.
    encoder_path: audio encoder for figures on digital silence; by default the package's or the built-in one.
    frames, seconds: see `choose_frames`. phones_path: see `read_phones`. blend, seed: see `evaluate`.

    Raises MissingFileError, ModelError, PackageError, TemplateError, FeatureError, AudioError, OptionError, OutputError
    and LibraryError. Everything is checked before the first frame is rendered.
    """
    output = Path(output_dir)
    with needing_train_extra(f"{output / PAGE}: the page"):
        from frame_generation_pipeline.evaluate.page import write_page
    template, subject = Template.open(template_dir), Subject.load(path, mode=mode, device=device)
    spec = subject.generator.spec.audio
    features_path = Path(features_path) if features_path else template.folder / features_name(spec.name)
    features = AudioFeatures.load(features_path, spec)
    held_out, chosen = choose_frames(
        subject.path, min(len(template), len(features)), spec.fps, frames=frames, seconds=seconds
    )
    phones = read_phones(phones_path) if phones_path else ()
    encoder = load_encoder(encoder_path) if encoder_path else subject.encoder
    prepare_folder(output)
    audio = template.folder / AUDIO
    evaluation = evaluate(
        subject.generator,
        template,
        features,
        held_out,
        audio=audio if audio.is_file() else None,
        encoder=encoder,
        cuts=recording_cuts(template.folder),
        blend=blend,
        phones=phones,
        seed=seed,
        progress=progress,
    )
    about = {
        "generator": subject.path.name,
        "generator_type": subject.generator.spec.name,
        "generator_sha256": subject.sha256,
        "template": template.folder.resolve().name,
        "features": features_path.name,
        "features_sha256": file_digest(features_path),
        "frames": f"{held_out.start}:{held_out.stop}, {chosen}",
        "blend": choose_blend(subject.generator, blend),
        "seed": seed,
        "version": version("frame-generation-pipeline"),
    }
    written = about | evaluation.to_json()
    with complete_file(output / JSON) as temporary:
        temporary.write_text(json.dumps(written, indent=2, allow_nan=False) + "\n")
    write_page(output / PAGE, evaluation, spec.fps, about)
    return evaluation, written
