"""Open video and audio files without trusting them."""

from pathlib import Path
from typing import Any

import av
from av.container import InputContainer

from frame_generation_pipeline.media.joined_wav import JoinedWav, find_pieces

# Playlists and similar formats, which refer to other files or to the network, and devices.
_LEADING = {"concat", "hls", "imf", "rtp", "rtsp", "sap", "sdp", "webm_dash_manifest"}
_NO_FILES = {"alsa", "fbdev", "image2", "kmsgrab", "lavfi", "oss", "sndio", "video4linux2,v4l2", "x11grab"}
FORMATS = ",".join(sorted(av.formats_available - _LEADING - _NO_FILES))
OPTIONS = {"format_whitelist": FORMATS, "protocol_whitelist": "file"}
# Tags may have any encoding. PyAV 19 keeps bytes that are no UTF-8; older versions do so only with this option.
_ANY_TAGS: dict[str, Any] = {"metadata_errors": "ignore"} if int(av.__version__.partition(".")[0]) < 19 else {}


def open_media(path: Path, **format_options: str) -> InputContainer:
    """Open a video or audio file; no other file that it refers to is ever read.

    A WAV file that holds more than its header states, see `joined_wav.py`, is read to its end.
    format_options: further ones for the format.

    Raises av.FFmpegError, OSError, AudioError for a WAV file of several formats.
    """
    pieces = find_pieces(path) if path.is_file() else None
    if pieces is not None:
        joined: InputContainer = av.open(
            JoinedWav(path, pieces), "r", format="wav", options=dict(format_options), **_ANY_TAGS
        )
        return joined
    # `file:` keeps FFmpeg from reading a protocol into a name with a colon.
    container: InputContainer = av.open(f"file:{path}", "r", options=OPTIONS | format_options, **_ANY_TAGS)
    return container
