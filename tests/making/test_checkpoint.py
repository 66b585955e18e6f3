import argparse
import pickle
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
import torch

from failing import files_of_at_most
from frame_generation_pipeline.errors import MissingFileError, ModelError, OptionError, OutputError
from frame_generation_pipeline.making.checkpoint import (
    WRAPPERS,
    check_fit,
    choose_spec,
    load_strict,
    read_tensors,
    recognise_specs,
    write_tensors,
)
from frame_generation_pipeline.making.network import GeneratorNetwork
from frame_generation_pipeline.making.networks import build_network
from frame_generation_pipeline.making.torch_backend import load_network
from frame_generation_pipeline.spec import AUDIO_SPECS, FACE_SPECS, LIGHT, GeneratorSpec
from samples import TINY, seeded_network


class Exploit:
    """What an attacker's checkpoint holds: code that runs when it is unpickled with full trust."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return Path.touch, (self.target,)


@pytest.mark.parametrize("suffix", [".pth", ".pt", ".safetensors"])
def test_round_trip(tmp_path: Path, suffix: str) -> None:
    expected = seeded_network().state_dict()
    path = tmp_path / "folder" / f"5{suffix}"
    write_tensors(path, expected)
    read = read_tensors(path)
    assert read.keys() == expected.keys()
    assert all(torch.equal(read[name], expected[name]) for name in expected)
    assert [file.name for file in path.parent.iterdir()] == [path.name]
    assert load_network(path).spec == TINY


@pytest.mark.parametrize("wrapper", WRAPPERS)
@pytest.mark.parametrize("prefix", ["", "module.", "_orig_mod.", "module._orig_mod.", "net."])
def test_training_states_are_unwrapped(tmp_path: Path, wrapper: str, prefix: str) -> None:
    tensors = seeded_network().state_dict()
    state = {f"{prefix}{name}": value for name, value in tensors.items()}
    other = {"optimizer": {"state": {0: {"exp_avg": torch.zeros(2)}}}, "discriminator": {"x": torch.zeros(1)}}
    torch.save({"epoch": 5, **other, wrapper: state}, tmp_path / "5.pth")
    read = read_tensors(tmp_path / "5.pth")
    assert read.keys() == tensors.keys()
    assert all(torch.equal(read[name], tensors[name]) for name in tensors)


def test_wrappers_in_wrappers_and_averaged_weights(tmp_path: Path) -> None:
    tensors = seeded_network().state_dict()
    torch.save({"model": {"state_dict": tensors, "step": 1}}, tmp_path / "a.pth")
    assert load_network(tmp_path / "a.pth").spec == TINY
    worse = {name: 0 * value for name, value in tensors.items()}
    torch.save({"params": worse, "params_ema": tensors}, tmp_path / "b.pth")
    assert torch.equal(read_tensors(tmp_path / "b.pth")["outc.conv.weight"], tensors["outc.conv.weight"])


@pytest.mark.parametrize(
    "beside",
    [
        np.float64(0.25),
        np.arange(3, dtype=np.float32),
        argparse.Namespace(lr=1e-3),
        Path("recordings"),
        datetime(2026, 1, 1),
    ],
    ids=str,
)
def test_what_training_programs_keep_beside_the_tensors(tmp_path: Path, beside: object) -> None:
    torch.save({"loss": beside, "net": seeded_network().state_dict()}, tmp_path / "5.pth")
    assert load_network(tmp_path / "5.pth").spec == TINY
    flat = {**seeded_network().state_dict(), "loss": beside}
    torch.save(flat, tmp_path / "flat.pth")
    assert load_network(tmp_path / "flat.pth").spec == TINY


def test_unknown_wrappers_are_named(tmp_path: Path) -> None:
    torch.save({"epoch": 5, "my\nweights": {"a": torch.zeros(1)}}, tmp_path / "x.pth")
    with pytest.raises(ModelError, match=r"keys epoch, my\?weights; expected the state_dict"):
        read_tensors(tmp_path / "x.pth")
    torch.save({f"key{i}": i for i in range(20)}, tmp_path / "y.pth")
    with pytest.raises(ModelError, match="key7 and 12 more"):
        read_tensors(tmp_path / "y.pth")


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_values_that_are_not_finite_are_refused(tmp_path: Path, value: float) -> None:
    state = seeded_network().state_dict()
    state["up2.conv.double_conv.0.conv.0.weight"][0, 0] = value
    torch.save(state, tmp_path / "5.pth")
    with pytest.raises(ModelError, match=r"5\.pth: up2\..*not finite"):
        load_network(tmp_path / "5.pth")


def test_code_is_not_run(tmp_path: Path) -> None:
    for name, content in (
        ("a.pth", {"weight": torch.zeros(1), "x": Exploit(tmp_path / "owned")}),
        ("b.pth", Exploit(tmp_path / "owned")),
    ):
        torch.save(content, tmp_path / name)
        with pytest.raises(ModelError, match="refused"):
            read_tensors(tmp_path / name)
    (tmp_path / "c.pth").write_bytes(pickle.dumps(Exploit(tmp_path / "owned")))
    with pytest.raises(ModelError):
        read_tensors(tmp_path / "c.pth")
    assert not (tmp_path / "owned").exists()


@pytest.mark.parametrize("name", ["x.pth", "x.safetensors"])
@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"no checkpoint", bytes(range(256)) * 20])
def test_what_is_no_checkpoint(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ModelError, match=name) as raised:
        read_tensors(tmp_path / name)
    assert "\n" not in str(raised.value)


def test_what_holds_no_tensors(tmp_path: Path) -> None:
    for content in ({}, [1, 2], {"epoch": 5}, torch.zeros(3)):
        torch.save(content, tmp_path / "x.pth")
        with pytest.raises(ModelError, match="no named tensors"):
            read_tensors(tmp_path / "x.pth")


def test_missing_and_unknown_files(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match="nowhere"):
        read_tensors(tmp_path / "nowhere.pth")
    with pytest.raises(ModelError, match="unknown kind"):
        write_tensors(tmp_path / "x.bin", {})


@pytest.mark.parametrize("width", [LIGHT, 2])
@pytest.mark.parametrize("audio", AUDIO_SPECS.values())
@pytest.mark.parametrize("face", FACE_SPECS.values())
def test_recognised_from_the_tensors(face: object, audio: object, width: int) -> None:
    spec = GeneratorSpec(face, audio, width)  # type: ignore[arg-type]
    with torch.device("meta"):
        tensors = build_network(spec).state_dict()
    specs = recognise_specs(tensors, "x.pth")
    assert spec in specs
    assert choose_spec(specs, "x.pth", spec.audio.name) == spec
    wrong = "ave" if spec.audio.name == "wenet" else "wenet"
    with pytest.raises(ModelError, match="not " + wrong):
        choose_spec(specs, "x.pth", wrong)


@pytest.mark.parametrize("genuine", [False, True])
def test_a_width_that_the_file_does_not_hold_takes_no_memory(
    tmp_path: Path, genuine: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A first tensor of 8000 channels, one value that stands for all or a small genuine one, in a file of a few MB."""
    tensors = seeded_network().state_dict()
    tensors["inc.inconv.0.conv.6.weight"] = (
        torch.ones(8000, 1, 1, 1) if genuine else torch.ones(1, 1, 1, 1).expand(8000, 16, 1, 1)
    )
    torch.save(tensors, tmp_path / "wide.pth")
    initialise = GeneratorNetwork.__init__

    def on_meta(self: GeneratorNetwork, spec: GeneratorSpec) -> None:
        initialise(self, spec)
        assert {value.device.type for value in self.state_dict().values()} == {"meta"}

    monkeypatch.setattr(GeneratorNetwork, "__init__", on_meta)
    with pytest.raises(ModelError, match=r"wide\.pth: does not fit GeneratorNetwork"):
        load_network(tmp_path / "wide.pth")


def test_one_value_that_stands_for_many() -> None:
    network = seeded_network()
    tensors = network.state_dict()
    name = next(iter(tensors))
    tensors[name] = torch.ones(1).expand(tensors[name].shape)
    with pytest.raises(ModelError, match="no plain tensor of numbers"):
        check_fit(network, tensors, "x.pth")


def test_ave_before_hubert() -> None:
    specs = recognise_specs(seeded_network().state_dict(), "x.pth")
    assert [spec.audio.name for spec in specs] == ["ave", "hubert"]
    assert choose_spec(specs, "x.pth", None).audio.name == "ave"
    with pytest.raises(OptionError, match="'mel' is unknown"):
        choose_spec(specs, "x.pth", "mel")


def test_other_networks_are_refused() -> None:
    with pytest.raises(ModelError, match="no SyncTalk_2D generator"):
        recognise_specs({"conv.weight": torch.zeros(1, 1, 1, 1)}, "x.pth")
    tensors = seeded_network().state_dict() | {"audio_model.conv1.conv.0.weight": torch.zeros(4, 7, 1, 1)}
    with pytest.raises(ModelError, match="7 channels"):
        recognise_specs(tensors, "x.pth")


def test_every_tensor_must_fit() -> None:
    network = seeded_network()
    state = network.state_dict()
    missing = {name: value for name, value in state.items() if not name.startswith("outc")}
    with pytest.raises(ModelError, match=r"outc\.conv\.weight is missing"):
        load_strict(network, missing, "x.pth")
    with pytest.raises(ModelError, match="more is unexpected"):
        load_strict(network, state | {"more": torch.zeros(1)}, "x.pth")
    with pytest.raises(ModelError, match=r"has shape \(9,\), expected \(3,\)"):
        load_strict(network, state | {"outc.conv.bias": torch.zeros(9)}, "x.pth")
    with pytest.raises(ModelError, match=r"and \d+ more"):
        load_strict(network, {"a": torch.zeros(1)}, "x.pth")


def test_real_checkpoint(real_dir: Path) -> None:
    network = load_network(real_dir / "checkpoint" / "person_ave.pth")
    assert network.spec.name == "328-ave"
    assert all(torch.isfinite(values).all() for values in network.outc.parameters())


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_a_full_disk_is_one_line_and_leaves_nothing(suffix: str, tmp_path: Path) -> None:
    tensors = {"a": torch.zeros(100_000)}
    with files_of_at_most(50_000), pytest.raises(OutputError, match=rf"5\{suffix}: cannot be written") as caught:
        write_tensors(tmp_path / f"5{suffix}", tensors)
    assert str(caught.value).isprintable()
    assert not list(tmp_path.iterdir())
