"""Export the generator or audio encoder of a checkpoint to ONNX, or a generator to Core ML."""

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

REAL_FRAMES = 3  # frames of a template on which an exported generator is compared


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
    """Export the checkpoint's network to `output` (.onnx) if it agrees with PyTorch; returns a line that describes it.

    opset: for a generator, see `export_generator`.
    coreml: write a generator as two Core ML packages into the new folder `output`, see `export_coreml`.
    template, features: real input on which to compare a generator, beside random input; give both or none.

    Raises MissingFileError; ModelError if the exported network disagrees with PyTorch; OptionError also without the
    extra `[train]` or, for Core ML, `[coreml]`; OutputError also for an output that is an input.
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
    """The network inputs of a template's first frames with their features."""
    template = Template.open(template_dir)
    windows = AudioFeatures.load(features_path, spec.audio).windows()
    inputs = []
    for i, window in enumerate(islice(windows, REAL_FRAMES)):
        frame = template.read(template.index(i))
        image = network_input(resize_crop(frame.box.cut(frame.image), spec.face), spec.face)
        inputs.append((image, network_window(window, spec.audio)))
    return inputs
