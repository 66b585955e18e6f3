"""The opening of the presenter's lips is read in what joins image and audio, as it is tracked in what she paints."""

from pathlib import Path

import numpy as np
import pytest
import torch

from frame_generation_pipeline.audio.stream import extract_features
from frame_generation_pipeline.avatar import Avatar
from frame_generation_pipeline.making.encoder import open_encoder
from frame_generation_pipeline.making.torch_backend import TorchGenerator, load_network
from frame_generation_pipeline.media.audio_reader import decode_audio
from frame_generation_pipeline.tracking.openings import track_openings
from frame_generation_pipeline.weights import PRESENTER, PRESENTER_GENERATOR
from studio.presenter import shown
from studio.presenter.encoded_speech import NAMES, REACH, WIDEST, EncodedSpeech
from studio.presenter.shown import Shown, render_outputs
from studio.presenter.teacher import WEIGHTS, Teacher, said

SPEECH = Path(__file__).parents[2] / "demo" / "hello.ogg"
LEARNED, READ = np.arange(20, 100), np.arange(100, 150)


def test_openings_are_read_without_painting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shown, "STEPS", 200)
    network, template = load_network(PRESENTER_GENERATOR), Avatar.load(PRESENTER).template
    values = extract_features(decode_audio(SPEECH), open_encoder(None)).values
    speech = EncodedSpeech(values, np.zeros((len(values), len(NAMES))), np.full(len(values), "aa"), network.spec.audio)
    known_speech = EncodedSpeech(values, speech.truth, speech.phones, speech.spec, other=speech)
    closed = torch.zeros(len(LEARNED))
    known = Shown(network, template, [(said(network, known_speech, LEARNED), closed)])
    outputs = said(network, known_speech, READ)
    tracked = list(track_openings(render_outputs(TorchGenerator(network, "cpu"), template, outputs)))
    read = known.opening(known(known.some(len(outputs)), outputs)).numpy()
    assert np.corrcoef(read, tracked)[0, 1] > 0.8
    none, wide = known.true_opening(torch.tensor([0.0, 0.009 / WIDEST])) * known.deviation + known.usual
    assert none == pytest.approx(known.closed)
    assert wide - none == pytest.approx(0.08)

    monkeypatch.setitem(WEIGHTS, "opening", 0.0)
    teacher = Teacher(network, lambda moves: outputs[: len(moves)] + 0.0, known)  # type: ignore[arg-type]
    windows, moves = torch.zeros(4, *network.spec.audio.window_shape), torch.zeros(4, (2 * REACH + 1) * len(NAMES))
    foreign = torch.ones(4, dtype=torch.bool)
    assert teacher.loss(outputs[:4], windows, moves, foreign) == 0
    assert teacher.loss(outputs[:4], windows, moves, ~foreign) > 0.01
    assert teacher.loss(outputs[4:8], windows, moves, foreign) > 0.01
    monkeypatch.setitem(WEIGHTS, "opening", 1.0)
    opening = teacher.loss(outputs[:4], windows, moves, foreign)
    assert opening < teacher.loss(outputs[:4], windows, moves + 1.0, foreign)
    with torch.no_grad():
        old = network.audio_model(windows)
    assert teacher.loss(old, windows, torch.full_like(moves, torch.nan), foreign) == 0  # what mouths do is not known
