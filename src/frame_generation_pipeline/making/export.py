"""Export of whatever a checkpoint holds, a generator or an audio encoder, to ONNX, and of generators to Core ML."""

from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from frame_generation_pipeline.audio.features import AudioFeatures, network_window
from frame_generation_pipeline.errors import ModelError, OptionError
from frame_generation_pipeline.extras import needing_extra, needing_train_extra
from frame_generation_pipeline.face.crop import network_input, resize_crop
from frame_generation_pipeline.files.output import keep_inputs
from frame_generation_pipeline.making.checkpoint import read_tensors, recognise_specs
from frame_generation_pipeline.spec import GeneratorSpec
from frame_generation_pipeline.template.template import Template

if TYPE_CHECKING:
    from frame_generation_pipeline.making.export_generator import NetworkInput

REAL_FRAMES = 3  # real inputs that the exported generator is compared on, where a template is at hand


def export_checkpoint(
    checkpoint: str | Path,
    output: str | Path,
    *,
    mode: str | None = None,
    opset: int | None = None,
    coreml: bool = False,
    template: str | Path | None = None,
    features: str | Path | None = None,
) -> str:
    """Write the checkpoint's network to `output` (.onnx) once it agrees with PyTorch; returns a line about it.

    opset: of a generator, see `export_generator`.
    coreml: write a generator as two Core ML packages into the new folder `output` instead, see `export_coreml`.
    template, features: real input to compare a generator on, beside the random one; both or none.

    Raises MissingFileError, ModelError when the two disagree, OptionError also without the extra `[train]` and, for
    Core ML, `[coreml]`, OutputError, for an output that is an input too.
    """
    if (template is None) != (features is None):
        raise OptionError("to compare on real input give a template and audio features")
    if coreml and opset is not None:
        raise OptionError("Core ML knows no opset; give --opset without --coreml")
    keep_inputs(Path(output), checkpoint, template, features)
    with needing_train_extra(f"{checkpoint}: the export"):
        from frame_generation_pipeline.making.export_generator import export_generator
        from frame_generation_pipeline.making.graph import OPSET
        from frame_generation_pipeline.making.torch_backend import load_network
    try:
        recognise_specs(read_tensors(checkpoint), checkpoint)
    except ModelError:
        if coreml:
            raise
        from frame_generation_pipeline.making.encoder import export_encoder

        export_encoder(checkpoint, output)
        return "audio encoder, agrees with PyTorch"
    network = load_network(checkpoint, mode)
    inputs = real_inputs(network.spec, template, features) if template is not None and features is not None else []
    if coreml:
        with needing_extra("coreml", f"{checkpoint}: the export to Core ML"):
            from frame_generation_pipeline.making.export_coreml import export_coreml
        psnr = export_coreml(network, Path(output), inputs=inputs)
        return f"generator {network.spec.name}, agrees with PyTorch to {psnr:.1f} dB as computed without Core ML"
    difference = export_generator(network, output, opset_version=opset or OPSET, inputs=inputs)
    return f"generator {network.spec.name}, differs from PyTorch by at most {difference:.1e}"


def real_inputs(spec: GeneratorSpec, template_dir: str | Path, features_path: str | Path) -> "list[NetworkInput]":
    """Network inputs of a template's first frames with the features that go with them."""
    template = Template.open(template_dir)
    windows = AudioFeatures.load(features_path, spec.audio).windows()
    inputs = []
    for i, window in enumerate(islice(windows, REAL_FRAMES)):
        frame = template.read(template.index(i))
        image = network_input(resize_crop(frame.box.cut(frame.image), spec.face), spec.face)
        inputs.append((image, network_window(window, spec.audio)))
    return inputs
