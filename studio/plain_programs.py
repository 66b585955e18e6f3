"""Write the programs around plain exports anew: `python -m studio.plain_programs`.

Python reads them as ONNX files. The hosts in other languages have them as C arrays, which are part of the binary.
"""

from pathlib import Path

from frame_generation_pipeline.generator.onnx_backend import PROGRAMS
from frame_generation_pipeline.making.plain_programs import build_input_program, build_patch_program
from frame_generation_pipeline.spec import FACE_SPECS

C_FILE = Path(__file__).parent.parent / "ort" / "plain_programs.c"
LINE = 32  # bytes of a program


def build_all() -> dict[str, bytes]:
    """Every program by its name, such as `input_328`."""
    build = {"input": build_input_program, "patch": build_patch_program}
    return {
        f"{step}_{name}": build[step](face).SerializeToString(deterministic=True)
        for name, face in FACE_SPECS.items()
        for step in build
    }


def c_source(programs: dict[str, bytes]) -> str:
    """The C file that holds the programs."""
    lines = ["// Written by studio/plain_programs.py. See include/plain_programs.h.", '#include "plain_programs.h"', ""]
    lines += ["#include <string.h>", "", "static const struct {", "    const char *name;", "    size_t bytes;"]
    lines += ["    const char *program;", "} programs[] = {"]
    for name, program in programs.items():
        lines.append(f'    {{"{name}", {len(program)},')
        lines += [f'     "{_escaped(program[i : i + LINE])}"' for i in range(0, len(program), LINE)]
        lines[-1] += "},"
    lines += ["};", "", "const void *plain_program(const char *name, size_t *bytes) {"]
    lines += ["    for (size_t i = 0; i < sizeof programs / sizeof *programs; i++)"]
    lines += ["        if (strcmp(programs[i].name, name) == 0) {", "            *bytes = programs[i].bytes;"]
    lines += ["            return programs[i].program;", "        }", "    return NULL;", "}"]
    return "\n".join(lines) + "\n"


def _escaped(data: bytes) -> str:
    plain = set(range(32, 127)) - set(b'"\\?')  # two question marks begin a trigraph
    return "".join(chr(byte) if byte in plain else f"\\{byte:03o}" for byte in data)


def main() -> None:
    """Write the ONNX files and the C file."""
    programs = build_all()
    PROGRAMS.mkdir(exist_ok=True)
    for name, program in programs.items():
        (PROGRAMS / f"{name}.onnx").write_bytes(program)
    C_FILE.write_text(c_source(programs))


if __name__ == "__main__":
    main()
