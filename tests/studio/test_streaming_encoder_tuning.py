"""The streaming encoder and an audio model learn together what another generator says."""

import copy

import numpy as np
import pytest
import torch

from frame_generation_pipeline.making.networks import build_network
from frame_generation_pipeline.spec import FACE_MOBILE, STREAMING, WHISPER, GeneratorSpec
from studio import streaming_encoder_learning
from studio.presenter.encoded_speech import NAMES
from studio.presenter.listen import Listener
from studio.streaming_encoder import COLUMNS, StreamingEncoder
from studio.streaming_encoder_data import Speech
from studio.streaming_encoder_learning import Pool
from studio.streaming_encoder_tuning import Lessons, Tuned, encoded, tune, unknown
from studio.whisper_weights import BANDS
from teaching import teacher

FRAMES = 150


def speech(known: int = 2 * FRAMES // 3) -> Speech:
    """Noise; what mouths do is known of the first frames."""
    random = np.random.default_rng(0)
    truth = random.random((FRAMES, len(NAMES))).astype(np.float32)
    truth[known:] = np.nan
    return Speech(
        random.normal(-2, 1, (4 * FRAMES + COLUMNS, BANDS)).astype(np.float16),
        truth,
        random.normal(size=(FRAMES, WHISPER.feature_size)).astype(np.float32),
    )


def tuned() -> Tuned:
    torch.manual_seed(0)
    generator = build_network(GeneratorSpec(FACE_MOBILE, STREAMING, 4))
    return Tuned(StreamingEncoder(), Listener(generator)).eval()


def lessons(of: Speech | None = None, *, foreign: bool = False) -> Lessons:
    torch.manual_seed(1)
    old = build_network(GeneratorSpec(FACE_MOBILE, WHISPER, 4)).eval()
    return Lessons(Pool(of or speech()), torch.full((FRAMES,), foreign), teacher(old))


def error(network: Tuned, to_learn: Lessons) -> float:
    torch.manual_seed(2)
    to_learn.pool.generator.manual_seed(2)
    with torch.no_grad():
        return to_learn.loss(network, head_alone=False).item()


def test_both_learn_and_norms_keep_their_statistics() -> None:
    before, to_learn = tuned(), lessons()
    after = tune(copy.deepcopy(before), to_learn, 12)
    assert error(after, to_learn) < error(before, to_learn)
    old = before.state_dict()
    changed = {name for name, tensor in after.state_dict().items() if not torch.equal(tensor, old[name])}
    assert {"encoder.stem.weight", "listener.audio_model.conv5.weight"} <= changed
    assert not [name for name in changed if name.endswith(("running_mean", "running_var"))]


def test_other_languages_are_to_be_shown_otherwise() -> None:
    network = tuned()
    assert error(network, lessons()) != error(network, lessons(foreign=True))


def test_recordings_whose_mouths_are_hardly_known_teach(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streaming_encoder_learning, "CHANCE_OF_SILENCE", 0.0)
    before, to_learn = tuned(), lessons(speech(known=4))
    after = tune(copy.deepcopy(before), to_learn, 12)
    assert error(after, to_learn) < error(before, to_learn)


def test_a_teacher_hears_what_is_known() -> None:
    one = encoded(speech(), foreign=True)
    assert len(one.values) == len(one.truth) == 2 * FRAMES // 3
    assert one.other
    assert one.foreign
    assert one.voiced


def test_of_recordings_the_old_generator_tells_what_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streaming_encoder_learning, "CHANCE_OF_SILENCE", 0.0)
    joined = Speech.joined([unknown(speech()), speech()])
    one, other = lessons(joined), lessons(joined)
    flags = torch.arange(2 * FRAMES) < FRAMES  # whatever language it is in
    one.foreign, other.foreign = torch.zeros_like(flags), flags
    assert error(tuned(), one) == error(tuned(), other)
    other.foreign = ~flags
    assert error(tuned(), one) != error(tuned(), other)
