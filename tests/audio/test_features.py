import json
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pytest

from frame_generation_pipeline.audio.features import AudioFeatures, FeatureWindows, feature_window, network_window
from frame_generation_pipeline.errors import FeatureError, MissingFileError, OutputError
from frame_generation_pipeline.spec import AUDIO_SPECS, AVE, HUBERT, STREAMING, WENET, AudioSpec


def values_of(spec: AudioSpec, count: int = 20) -> npt.NDArray[np.float32]:
    draw = np.random.default_rng(3)
    return draw.standard_normal((count, *spec.feature_shape)).astype(np.float32)


@pytest.mark.parametrize("spec", AUDIO_SPECS.values(), ids=AUDIO_SPECS)
@pytest.mark.parametrize("name", ["deep/a.npy", "a.bin"])
def test_what_is_saved_loads_mapped(tmp_path: Path, spec: AudioSpec, name: str) -> None:
    values = values_of(spec)
    AudioFeatures(values, spec).save(tmp_path / name)
    for expected_spec in (None, spec):
        loaded = AudioFeatures.load(tmp_path / name, expected_spec)
        assert loaded.spec is spec
        assert len(loaded) == 20
        assert isinstance(loaded.values, np.memmap)
        np.testing.assert_array_equal(loaded.values, values)
    assert not list(tmp_path.rglob(".*"))


def test_saving_over_the_file_that_is_mapped(tmp_path: Path) -> None:
    AudioFeatures(values_of(AVE), AVE).save(tmp_path / "a.npy")
    loaded = AudioFeatures.load(tmp_path / "a.npy")
    loaded.save(tmp_path / "a.npy")
    np.testing.assert_array_equal(AudioFeatures.load(tmp_path / "a.npy").values, values_of(AVE))


def test_binary_layout(tmp_path: Path) -> None:
    values = values_of(HUBERT, 3)
    AudioFeatures(values, HUBERT).save(tmp_path / "a.bin")
    assert (tmp_path / "a.bin").read_bytes() == values.astype("<f4").tobytes()
    described = json.loads((tmp_path / "a.bin.json").read_text())
    assert described == {"num_frames": 3, "feature_size": 2048, "shape": [3, 2, 1024]}


@pytest.mark.parametrize(
    ("shape", "spec"), [((4, 512), AVE), ((4, 2048), HUBERT), ((4, 8192), WENET), ((4, 32, 256), WENET)]
)
def test_type_is_told_by_the_shape(tmp_path: Path, shape: tuple[int, ...], spec: AudioSpec) -> None:
    values = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    np.save(tmp_path / "a.npy", values)
    loaded = AudioFeatures.load(tmp_path / "a.npy")
    assert loaded.spec is spec
    np.testing.assert_array_equal(loaded.values, values.reshape(4, *spec.feature_shape))


@pytest.mark.parametrize("dtype", ["<f2", "<f8", ">f4"])
def test_other_floats_are_converted(tmp_path: Path, dtype: str) -> None:
    values = values_of(AVE).astype(dtype)
    np.save(tmp_path / "a.npy", values)
    loaded = AudioFeatures.load(tmp_path / "a.npy").values
    assert loaded.dtype == np.float32
    np.testing.assert_array_equal(loaded, values.astype(np.float32))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (np.zeros((4, 512), np.int32), "holds int32 values"),
        (np.zeros((4, 1024, 2), np.float32), r"shape \(4, 1024, 2\); expected ave \(N, 512\) or hubert"),
        (np.zeros((512,), np.float32), "expected ave"),
        (np.float32(1), "expected ave"),
        (np.zeros((0, 512), np.float32), "1 or more|not readable"),
        (np.full((2000, 512), np.nan, np.float32), "not finite"),
        (np.full((4, 512), 1e300), "not finite"),
        (np.array([None] * 512), "not readable"),
    ],
)
def test_files_of_other_things(tmp_path: Path, values: npt.NDArray[Any], message: str) -> None:
    np.save(tmp_path / "a.npy", values, allow_pickle=True)
    with pytest.raises(FeatureError, match=message) as caught:
        AudioFeatures.load(tmp_path / "a.npy")
    assert str(caught.value).startswith(f"{tmp_path / 'a.npy'}: ")
    assert "\n" not in str(caught.value)


def test_one_bad_value_at_the_end_is_found() -> None:
    values = values_of(AVE, 1500)
    values[-1, -1] = np.inf
    with pytest.raises(FeatureError, match="not finite"):
        AudioFeatures(values, AVE)


def test_contradicting_spec(tmp_path: Path) -> None:
    AudioFeatures(values_of(AVE), AVE).save(tmp_path / "a.npy")
    with pytest.raises(FeatureError, match=r"\(20, 512\); expected hubert \(N, 2, 1024\)"):
        AudioFeatures.load(tmp_path / "a.npy", HUBERT)


def test_wrong_values_in_memory() -> None:
    for values in (values_of(AVE).astype(np.float64), values_of(HUBERT), values_of(AVE)[:0], np.float32(1)):
        with pytest.raises(FeatureError, match="are no ave features"):
            AudioFeatures(np.asarray(values), AVE)


def test_unreadable_files(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match="no such feature file"):
        AudioFeatures.load(tmp_path / "none.npy")
    AudioFeatures(values_of(AVE), AVE).save(tmp_path / "a.npy")
    (tmp_path / "cut.npy").write_bytes((tmp_path / "a.npy").read_bytes()[:-9])
    (tmp_path / "text.npy").write_text("hello")
    (tmp_path / "a.txt").write_text("hello")
    (tmp_path / "lonely.bin").write_bytes(bytes(2048))
    for name, message in [
        ("cut.npy", "not readable"),
        ("text.npy", "not readable"),
        ("a.txt", "unknown kind"),
        ("lonely.bin", r"lonely\.bin\.json"),
    ]:
        with pytest.raises(FeatureError, match=message):
            AudioFeatures.load(tmp_path / name)


@pytest.mark.parametrize(
    "described",
    [
        '{"num_frames": 21, "feature_size": 512, "shape": [21, 512]}',
        '{"num_frames": 20, "feature_size": 512, "shape": [20, 2, 512]}',
        '{"num_frames": -20, "feature_size": -512, "shape": [20, 512]}',
        '{"num_frames": 20, "feature_size": 512}',
        '{"num_frames": null, "feature_size": 512, "shape": [20, 512]}',
        "[20, 512]",
        "{",
    ],
)
def test_description_that_does_not_fit(tmp_path: Path, described: str) -> None:
    AudioFeatures(values_of(AVE), AVE).save(tmp_path / "a.bin")
    (tmp_path / "a.bin.json").write_text(described)
    with pytest.raises(FeatureError, match=r"a\.bin: not readable"):
        AudioFeatures.load(tmp_path / "a.bin")


def test_saving_where_it_cannot_be(tmp_path: Path) -> None:
    features = AudioFeatures(values_of(AVE), AVE)
    with pytest.raises(OutputError, match=r"unknown kind .* \.npy or \.bin"):
        features.save(tmp_path / "a.npz")
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="expected a folder"):
        features.save(tmp_path / "file" / "a.npy")
    (tmp_path / "folder.npy").mkdir()
    with pytest.raises(OutputError, match="cannot be written"):
        features.save(tmp_path / "folder.npy")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder.npy"]


@pytest.mark.parametrize("index", [-30, -8, -1, 0, 5, 7, 8, 12, 13, 19, 27, 28, 40])
def test_window_is_a_slice_of_the_features_between_zeros(index: int) -> None:
    values = values_of(HUBERT)
    around = np.concatenate([np.zeros((50, 2048)), values.reshape(20, 2048), np.zeros((50, 2048))])
    window = feature_window(values, index, HUBERT)
    assert window.dtype == np.float32
    np.testing.assert_array_equal(window, around[50 + index - 8 : 50 + index + 8])
    np.testing.assert_array_equal(
        feature_window(values, index, STREAMING), around[50 + index - 12 : 50 + index + 4]
    )  # these features, as a window of that type


def test_windows_of_frames() -> None:
    features = AudioFeatures(values_of(AVE), AVE)
    assert len(list(features.windows())) == 20
    assert len(list(features.windows(start=15))) == 5
    windows = list(features.windows(count=10, start=15))
    assert len(windows) == 10
    for index, window in enumerate(windows, start=15):
        np.testing.assert_array_equal(window, feature_window(features.values, index, features.spec))


@pytest.mark.parametrize("spec", AUDIO_SPECS.values(), ids=AUDIO_SPECS)
def test_network_window_is_row_major(spec: AudioSpec) -> None:
    window = feature_window(values_of(spec), 10, spec)
    shaped = network_window(window, spec)
    assert shaped.shape == (1, *spec.window_shape)
    np.testing.assert_array_equal(shaped.ravel(), window.ravel())


def test_window_of_another_type() -> None:
    with pytest.raises(FeatureError, match="hubert has"):
        network_window(np.zeros((16, 512), np.float32), HUBERT)


def test_windows_are_the_originals(reference_dir: Path) -> None:
    arrays = np.load(reference_dir / "audio.npz")
    for index in (0, 5, 84):
        window = feature_window(arrays["features_16k"], index, AVE)
        np.testing.assert_array_equal(network_window(window, AVE)[0], arrays[f"window_{index}"])


def test_real_features_load(real_dir: Path) -> None:
    features = AudioFeatures.load(real_dir / "person" / "aud_ave.npy")
    assert (features.spec, len(features)) == (AVE, 121)


def test_whole_windows_are_told_by_the_type(tmp_path: Path) -> None:
    features = AudioFeatures(values_of(AVE, 3), AVE)
    windows = np.stack(list(features.windows()))
    np.save(tmp_path / "a.npy", windows.reshape(3, *AVE.window_shape))
    windows.tofile(tmp_path / "a.bin")
    (tmp_path / "a.bin.json").write_text(json.dumps({"num_frames": 3, "feature_size": 8192, "shape": [3, 32, 16, 16]}))
    for name in ("a.npy", "a.bin"):
        loaded = FeatureWindows.load(tmp_path / name, AVE)
        assert isinstance(loaded, FeatureWindows)
        assert len(loaded) == 3
        np.testing.assert_array_equal(list(loaded.windows(3, 1)), [*windows[1:], np.zeros((16, 512))])
        assert isinstance(FeatureWindows.load(tmp_path / name, WENET), AudioFeatures)
        with pytest.raises(FeatureError, match=r"a\.(npy|bin): holds values of shape .* expected hubert"):
            FeatureWindows.load(tmp_path / name, HUBERT)
    features.save(tmp_path / "b.npy")
    assert isinstance(FeatureWindows.load(tmp_path / "b.npy", AVE), AudioFeatures)


def test_windows_that_are_no_numbers(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.full((1, 8192), np.nan, np.float32))
    with pytest.raises(FeatureError, match=r"a\.npy: holds values that are not finite"):
        FeatureWindows.load(tmp_path / "a.npy", AVE)
    with pytest.raises(MissingFileError):
        FeatureWindows.load(tmp_path / "b.npy", AVE)


@pytest.mark.parametrize("kind", ["<f4", ">f4", "<f8", ">f2"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_any_order_of_bytes_and_values(kind: str, order: Literal["C", "F"], tmp_path: Path) -> None:
    values = np.arange(2 * 512, dtype=np.float32).reshape(2, 512)
    np.save(tmp_path / "a.npy", np.asarray(values.astype(np.dtype(kind)), order=order))
    np.testing.assert_array_equal(AudioFeatures.load(tmp_path / "a.npy").values, values)
