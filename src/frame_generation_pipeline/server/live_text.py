"""Let a session say a text: the server's voice speaks it sentence by sentence, while the session says it."""

import threading

from frame_generation_pipeline.errors import FrameGenerationError
from frame_generation_pipeline.server.live_session import LiveSession
from frame_generation_pipeline.server.problems import Problem
from frame_generation_pipeline.server.utterance_audio import UtteranceAudio
from frame_generation_pipeline.server.voices import LazyVoice
from frame_generation_pipeline.voice.protocol import RATE, Voice, spoken_text
from frame_generation_pipeline.voice.synthesis import pcm16

LONGEST_TEXT = 5000  # characters of one utterance


def say_text(
    session: LiveSession, voice: LazyVoice, text: str, longest: float, event_id: str | None = None
) -> UtteranceAudio:
    """Say a text after what is being said; returns when that is sure to begin. longest: seconds that may wait.

    Raises Problem: 400 for a text that cannot be spoken, with its place, and where there is no voice; 413.
    """
    if len(text) > LONGEST_TEXT:
        raise Problem(413, "too_long", f"the text has more than {LONGEST_TEXT} characters; send it in parts")
    try:
        speaks = voice.load()
        speaks.check(text)
    except FrameGenerationError as error:
        raise Problem(400, "bad_text", str(error)) from error
    utterance = session.begin(RATE, longest, event_id, text)
    work = threading.Thread(target=_speak, args=(session, speaks, text, utterance), name="speaks", daemon=True)
    work.start()
    return utterance


def _speak(session: LiveSession, voice: Voice, text: str, utterance: UtteranceAudio) -> None:
    try:
        for samples in spoken_text(voice, text):
            if utterance.dropped:
                return
            utterance.push(pcm16(samples))
            session.wake()
    except (FrameGenerationError, Problem) as error:
        session.tell_problem("voice_failed", str(error))
    finally:
        utterance.end()
        session.wake()
