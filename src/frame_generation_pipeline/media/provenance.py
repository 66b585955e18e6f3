"""Mark files as generated: write IPTC's digital source type into their metadata, and read it.

In videos and images it is in an XMP packet (ISO 16684-1; Adobe's XMP
specification, part 3): in mp4 a `uuid` box, in mov the user data `XMP_`, in PNG an iTXt chunk, in JPEG an APP1 segment.
Matroska and webm have a tag.
"""

import re
import struct
import zlib
from pathlib import Path

import av
from av.container import OutputContainer

from frame_generation_pipeline.errors import MissingFileError, VideoError
from frame_generation_pipeline.media.containers import open_media

# https://cv.iptc.org/newscodes/digitalsourcetype: created by a model that was trained on sampled content.
SOURCE_TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
XMP = f"""<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about="" xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/">
   <Iptc4xmpExt:DigitalSourceType>{SOURCE_TYPE}</Iptc4xmpExt:DigitalSourceType>
  </rdf:Description>
 </rdf:RDF>
</x:xmpmeta>
<?xpacket end="r"?>"""
TAG = "DIGITAL_SOURCE_TYPE"  # of Matroska
_STATED = re.compile(r"<Iptc4xmpExt:DigitalSourceType>([^<]*)<")

_MP4_BOX = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")  # the uuid of XMP
_PNG, _PNG_HEADER = b"\x89PNG\r\n\x1a\n", 33  # signature; bytes of it and of IHDR
_PNG_KEY = b"XML:com.adobe.xmp\0\0\0\0\0"  # keyword, not compressed, no language, no translation
_JPEG_KEY = b"http://ns.adobe.com/xap/1.0/\0"


def mark_container(container: OutputContainer, file_format: str) -> None:
    """Mark a video before anything is written. file_format: FFmpeg's name."""
    if file_format == "mov":
        container.metadata["xmp"] = XMP
    elif file_format != "mp4":
        container.metadata[TAG] = SOURCE_TYPE


def mark_file(path: Path, file_format: str) -> None:
    """Mark a complete video of a format that `mark_container` does not mark. Raises OSError."""
    if file_format == "mp4":
        content = _MP4_BOX + XMP.encode()
        with path.open("ab") as file:
            file.write(struct.pack(">I4s", 8 + len(content), b"uuid") + content)


def marked_image(data: bytes) -> bytes:
    """Mark the bytes of a PNG or JPEG image."""
    packet = XMP.encode()
    if data.startswith(_PNG):
        chunk = b"iTXt" + _PNG_KEY + packet
        framed = struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk))
        return data[:_PNG_HEADER] + framed + data[_PNG_HEADER:]
    content = _JPEG_KEY + packet
    start = 2  # after the start of the image, and after JFIF's own segment, which must come first
    if data[2:4] == b"\xff\xe0":
        start += 2 + int.from_bytes(data[4:6], "big")
    return data[:start] + b"\xff\xe1" + struct.pack(">H", 2 + len(content)) + content + data[start:]


def read_source_type(path: str | Path) -> str | None:
    """Read the digital source type of a video, PNG or JPEG file as this module writes it, or None.

    Raises MissingFileError; VideoError for other files.
    """
    path = Path(path)
    if not path.is_file():
        raise MissingFileError(f"{path}: expected a video or image, found none; check the path")
    try:
        with path.open("rb") as file:
            start = file.read(2**16)
        if start.startswith((_PNG, b"\xff\xd8")):
            packet = start.decode("utf-8", "replace")
        else:
            with open_media(path, export_xmp="1") as container:
                metadata = {name.upper(): value for name, value in container.metadata.items()}
            if TAG in metadata:
                return metadata[TAG]
            packet = metadata.get("XMP", "")
    except (av.FFmpegError, OSError) as error:
        raise VideoError(f"{path}: expected a video or image that can be read ({error.strerror})") from error
    found = _STATED.search(packet)
    return found[1] if found else None
