"""Open the programs of a package, after their bytes are checked."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

from frame_generation_pipeline.audio.encoder import OnnxAudioProgram
from frame_generation_pipeline.errors import ModelError
from frame_generation_pipeline.generator.program_backend import ProgramGenerator
from frame_generation_pipeline.package.load import Package
from frame_generation_pipeline.package.manifest import BLENDS_SINCE, Manifest, program_path
from frame_generation_pipeline.package.program_reader import Signature, Value, read_signature
from frame_generation_pipeline.package.refusal import Refusal, refusing, shown
from frame_generation_pipeline.runtime.isolated import IsolatedProcess
from frame_generation_pipeline.runtime.settings import Runtime
from frame_generation_pipeline.spec import WINDOW

MOST_STATE = 2**28  # bytes of a face state

_IMAGE = Value("uint8", (None, None, 3))


def load_programs(package: Package, runtime: Runtime = Runtime()) -> tuple[ProgramGenerator, OnnxAudioProgram | None]:
    """Open the generator of a package, and its audio program if it has one.

    Raises PackageError for programs that are not the listed ones or that docs/avatar.md does not allow, OptionError for
    a provider that is not available.
    """
    manifest = package.manifest
    with ThreadPoolExecutor() as pool:  # reading and hashing run in parallel
        contents = list(pool.map(package.read, map(program_path, manifest.programs)))
    programs = dict(zip(manifest.programs, contents, strict=True))
    with refusing(package.path):
        check_programs(manifest, programs)
        try:
            process = IsolatedProcess(runtime.bounds) if runtime.bounds else None
            generator = ProgramGenerator(
                programs["face"],
                programs["render"],
                manifest.generator,
                providers=runtime.providers,
                threads=runtime.threads,
                process=process,
            )
            audio = programs.get("audio")
            if not audio:
                return generator, None
            return generator, OnnxAudioProgram(audio, providers=runtime.providers, process=process)
        except ModelError as error:
            raise Refusal(f"its programs do not load ({shown(str(error))})") from error


def check_programs(manifest: Manifest, programs: Mapping[str, bytes]) -> None:
    """Refuse programs, given by role, with forbidden contents or with other inputs or outputs than expected."""
    signatures = {}
    for role, data in programs.items():
        try:
            signatures[role] = read_signature(data)
        except Refusal as refusal:
            raise Refusal(f"{program_path(role)} {refusal}") from refusal
    state = signatures["face"].outputs
    if not state or any(not all(value.shape) for value in state.values()):
        raise Refusal(f"{program_path('face')} gives a face state whose shapes are not fixed")
    if sum(value.size for value in state.values()) > MOST_STATE:
        raise Refusal(f"{program_path('face')} gives a face state of more than {MOST_STATE} bytes")
    for role, signature in signatures.items():
        expected = _expected(role, manifest, state)
        if signature != expected:
            problem = _difference(signature.inputs, expected.inputs) or _difference(signature.outputs, expected.outputs)
            raise Refusal(f"{program_path(role)} {problem}")


def _expected(role: str, manifest: Manifest, state: dict[str, Value]) -> Signature:
    feature_size = manifest.generator.audio.feature_size
    if role == "face":
        return Signature({"crop": _IMAGE}, state)
    if role == "audio":
        number = Value("int64", ())
        samples = {"samples": Value("float32", (None,)), "first": number, "count": number}
        return Signature(samples, {"features": Value("float32", (None, feature_size))})
    blend = {"blend": Value("uint8", ())} if manifest.version >= BLENDS_SINCE else {}
    keep = {"keep": Value("uint8", (None, None))} if manifest.parsing else {}
    arguments = {"window": Value("float32", (WINDOW, feature_size)), "crop": _IMAGE} | blend | keep
    if set(arguments) & set(state):
        raise Refusal(f"{program_path('face')} gives a face state with the names of other inputs")
    return Signature(arguments | state, {"patch": _IMAGE})


def _difference(found: dict[str, Value], expected: dict[str, Value]) -> str | None:
    """The first value that differs, or None."""
    for name in sorted(found.keys() | expected.keys()):
        if found.get(name) != expected.get(name):
            return f"has {shown(name)} as {_described(found.get(name))}; expected {_described(expected.get(name))}"
    return None


def _described(value: Value | None) -> str:
    return f"{value.dtype} {shown(value.shape)}" if value else "nothing"
