"""An audio model for other features says what the old one said, and its frames stay where they were."""

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from frame_generation_pipeline.making.networks import Network, build_network
from frame_generation_pipeline.spec import FACE_MOBILE, STREAMING, WHISPER, AudioSpec, GeneratorSpec
from studio.presenter.encoded_speech import NAMES, EncodedSpeech, shaped
from studio.presenter.listen import HEAD_FIRST, learn, retyped
from studio.streaming_encoder import DELAY
from teaching import teacher

FRAMES = 60


def speech(values: npt.NDArray[Any], spec: AudioSpec, other: EncodedSpeech | None = None) -> EncodedSpeech:
    truth = np.random.default_rng(1).random((len(values), len(NAMES))).astype(np.float32)
    return EncodedSpeech(values.astype(np.float32), truth, np.full(len(values), "aa"), spec, other)


def streaming(values: npt.NDArray[Any]) -> EncodedSpeech:
    return speech(np.roll(values, DELAY, axis=0)[:, : STREAMING.feature_size], STREAMING, speech(values, WHISPER))


def whisper_generator() -> Network:
    torch.manual_seed(0)
    return build_network(GeneratorSpec(FACE_MOBILE, WHISPER, 4)).eval()


def test_a_retyped_audio_model_sees_frames_where_it_saw_them() -> None:
    old = whisper_generator()
    values = np.random.default_rng(0).normal(size=(FRAMES, WHISPER.feature_size)).astype(np.float32)
    spoken = streaming(values)
    first = old.state_dict()["audio_model.conv1.conv.0.weight"]
    with torch.inference_mode():
        first[:, WHISPER.before + STREAMING.ahead + 1 - DELAY :] = 0  # frames that streaming windows do not reach
        new = retyped(old, [spoken]).eval()
        seen = old.audio_model.conv1(shaped(speech(values, WHISPER).windows(np.array([30])), WHISPER))
        again = new.audio_model.conv1(shaped(spoken.windows(np.array([30])), STREAMING))
    both = np.stack([seen[:, :, :14].numpy().ravel(), again[:, :, :14].numpy().ravel()])  # other rows lack neighbours
    assert np.corrcoef(both)[0, 1] > 0.99


def test_learning_changes_the_audio_model_alone_and_obeys_the_old_one() -> None:
    old = whisper_generator()
    spoken = streaming(np.random.default_rng(0).normal(size=(FRAMES, WHISPER.feature_size)))
    free, obedient = retyped(old, [spoken]), retyped(old, [spoken])
    before = {name: tensor.clone() for name, tensor in obedient.state_dict().items()}
    learn([spoken], free, 2)
    learn([spoken], obedient, 2, teacher=teacher(old))

    def changed(one: torch.nn.Module) -> set[str]:
        return {name for name, tensor in one.state_dict().items() if not torch.equal(tensor, before[name])}

    assert all(name.startswith("audio_model.") for name in changed(obedient))
    assert int(obedient.state_dict()["audio_model.before"]) == STREAMING.before
    weight = "audio_model.conv5.weight"
    assert weight in changed(obedient)
    assert not torch.equal(obedient.state_dict()[weight], free.state_dict()[weight])


def test_an_audio_model_that_learns_further_keeps_its_statistics() -> None:
    values = np.random.default_rng(0).normal(size=(FRAMES, WHISPER.feature_size))
    spoken, generator = replace(speech(values, WHISPER), other=speech(values, WHISPER)), whisper_generator()
    before = {name: tensor.clone() for name, tensor in generator.state_dict().items()}
    learn([spoken], generator, HEAD_FIRST + 2, teacher=teacher(whisper_generator()), further=True)
    changed = {name for name, tensor in generator.state_dict().items() if not torch.equal(tensor, before[name])}
    assert "audio_model.conv5.weight" in changed
    assert not [name for name in changed if name.endswith(("running_mean", "running_var"))]
