"""Fuzz one reader with atheris: `python fuzz/fuzz.py npy -max_total_time=120` (see CONTRIBUTING.md).

Everything after the reader's name is for libFuzzer. What is found is written to the current folder as `crash-...`,
`timeout-...` or `oom-...`; `python fuzz/fuzz.py npy crash-...` runs it again.
"""

import logging
import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["frame_generation_pipeline", "zipfile", "json", "numpy.lib"]):
    import readers

LIMITS = ("-timeout=10", "-rss_limit_mb=2048", "-max_len=16384")


def main() -> None:
    """Fuzz the reader that is named first."""
    logging.disable(logging.WARNING)  # damaged packets are reported there
    name = sys.argv.pop(1)
    folder = Path(tempfile.mkdtemp(prefix=f"fuzz-{name}-"))
    corpus, work = folder / "corpus", folder / "work"
    read = readers.READERS[name]
    corpus.mkdir()
    work.mkdir()
    for index, seed in enumerate(readers.seeds()[name]):
        (corpus / str(index)).write_bytes(seed)
    again = any(not argument.startswith("-") for argument in sys.argv[1:])
    atheris.Setup(
        [sys.argv[0], *LIMITS, *sys.argv[1:], *([] if again else [str(corpus)])], lambda data: read(data, work)
    )
    atheris.Fuzz()


if __name__ == "__main__":
    main()
