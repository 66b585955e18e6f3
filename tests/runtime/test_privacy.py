import subprocess
import sys
from pathlib import Path


def test_nothing_is_written_to_the_home_folder(tmp_path: Path) -> None:
    """By a process that opens a model, on a machine where nothing says that it is a test."""
    home = tmp_path / "home"
    home.mkdir()
    code = (
        f"import sys; sys.path[:0] = {sys.path!r}\n"
        "from frame_generation_pipeline.making.encoder import open_encoder\n"
        "open_encoder(None)\n"
    )
    command = [sys.executable, "-B", "-W", "error", "-c", code]
    done = subprocess.run(command, env={"HOME": str(home)}, cwd=home, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert list(home.iterdir()) == []
