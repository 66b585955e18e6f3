"""The errors that this package raises on purpose: each says what was given, what was expected and what to do."""


class FrameGenerationError(Exception):
    """Base of every error below; the command line prints it as one line and exits with status 2."""


class MissingFileError(FrameGenerationError, FileNotFoundError):
    """A file or folder that was named does not exist."""


class AudioError(FrameGenerationError, ValueError):
    """An audio file that cannot be decoded, has no audio stream or no samples."""


class FeatureError(FrameGenerationError, ValueError):
    """Audio features of the wrong shape or type, with values that are not finite, or an unreadable feature file."""


class TemplateError(FrameGenerationError, ValueError):
    """A template folder with gaps, malformed landmarks, unusable boxes or unreadable pictures."""


class ModelError(FrameGenerationError, ValueError):
    """A checkpoint or ONNX file that is not what it should be, or a stated mode that contradicts it."""


class VideoError(FrameGenerationError, ValueError):
    """A video or folder of frames that cannot be read, or frames that do not fit together."""


class OutputError(FrameGenerationError, OSError):
    """An output that cannot be written: unknown format, missing rights, full disk."""


class OptionError(FrameGenerationError, ValueError):
    """An option or argument whose value is impossible, or options that contradict each other."""


class PackageError(FrameGenerationError, ValueError):
    """An avatar package that is damaged, incomplete, of another version or holds what no package may hold."""


class SessionError(FrameGenerationError, RuntimeError):
    """A session is asked for what its state does not allow: audio after its end, idle frames while it speaks."""
