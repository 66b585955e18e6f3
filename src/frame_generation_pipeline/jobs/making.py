"""Make the video of a job from its request and folder."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

from frame_generation_pipeline.avatar import Avatar
from frame_generation_pipeline.files.progress import Progress
from frame_generation_pipeline.jobs.job import VideoRequest
from frame_generation_pipeline.runtime.settings import Runtime
from frame_generation_pipeline.say import say_video
from frame_generation_pipeline.speaking.style import Style
from frame_generation_pipeline.speaking.timing import Timing
from frame_generation_pipeline.template.loop import Loop
from frame_generation_pipeline.voice.protocol import Voice
from frame_generation_pipeline.voice.settings import VoiceSettings

AUDIO = "audio"  # what the client sent, in the job's folder


@dataclass(frozen=True)
class Task:
    """A job's request with its folder, package and voice."""

    folder: Path  # of the job; holds AUDIO unless the request has a text
    package: Path  # of the avatar
    request: VideoRequest
    voice: VoiceSettings

    @property
    def video(self) -> Path:
        """The path of the video, which exists only when it is complete."""
        return video_path(self.folder, self.request)

    def to_json(self) -> dict[str, Any]:
        """The task as JSON, for another process."""
        return asdict(self) | {"folder": str(self.folder), "package": str(self.package)}

    @classmethod
    def from_json(cls, given: dict[str, Any]) -> Self:
        """Read the task from the JSON of `to_json`."""
        request, voice = VideoRequest(**given["request"]), VoiceSettings(**given["voice"])
        return cls(Path(given["folder"]), Path(given["package"]), request, voice)


def video_path(folder: Path, request: VideoRequest) -> Path:
    """The path of a job's video."""
    return folder / f"video.{request.format}"


class Maker:
    """Makes videos one after another; the last avatar and voice stay loaded."""

    def __init__(self, runtime: Runtime = Runtime()) -> None:
        self._runtime = runtime
        self._avatar: tuple[object, Avatar] | None = None
        self._voice: tuple[VoiceSettings, Voice] | None = None

    def make(self, task: Task, progress: Progress) -> None:
        """Make the video, resuming an earlier try. Raises the errors of `errors.py`."""
        if task.video.is_file():
            return
        request, timing = task.request, Timing(fps=task.request.fps)
        avatar = self._load(task)
        if request.text is None:
            avatar.generate_video(task.folder / AUDIO, task.video, timing=timing, progress=progress)
        else:
            if self._voice is None or self._voice[0] != task.voice:
                self._voice = task.voice, task.voice.load()
            say_video(avatar, request.text, task.video, voice=self._voice[1], fps=request.fps, progress=progress)

    def _load(self, task: Task) -> Avatar:
        style = Style(steady=task.request.steady, loop=Loop.of(task.request.loop, None))
        stands = task.package.stat() if task.package.exists() else None
        known = (task.package, style, stands and (stands.st_mtime_ns, stands.st_ino))
        if self._avatar is None or self._avatar[0] != known:
            self._avatar = None  # frees its memory before the next one is loaded
            self._avatar = known, Avatar.load(task.package, style=style, runtime=self._runtime)
        return self._avatar[1]
