"""Measure how far the page's video and audio are apart in Chromium, less what a plain mp4 reads in the same browser.

    python -m benchmarks.live_browser

Frames that speak carry a white corner, and a tone begins with them. A frame's time is when it is shown, as the browser
says; audio's is when an analyser has it, so that only the difference from the plain mp4 means anything. By WebRTC the
browser itself tells which times of video and audio it plays (`estimatedPlayoutTimestamp`), which is printed too. It
needs `chromium` and `chromium-driver`, the extras `[serve]` and `[dev]`, and a machine that does nothing else.
"""

import argparse
import functools
import http.server
import io
import json
import tempfile
import threading
import time
import wave
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import av
import httpx
import numpy as np
import numpy.typing as npt
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import Select, WebDriverWait

from benchmarks.live_receiver import WHITE
from benchmarks.live_server import TINY, running

RATE, FPS = 48_000, 25
NOTE_PEERS = """
window.peers = [];
window.RTCPeerConnection = class extends RTCPeerConnection {
  constructor(...given) { super(...given); window.peers.push(this); }
};
"""
PLAYED = """
const done = arguments[0], played = {};
const peer = window.peers.find((each) => each.connectionState === "connected");
if (!peer) done(null);
else peer.getStats().then((all) => {
  all.forEach((each) => { if (each.type === "inbound-rtp") played[each.kind] = each.estimatedPlayoutTimestamp; });
  done(played.video && played.audio ? played.audio - played.video : null);
});
"""
TONE, EVERY = 0.2, 1.0  # seconds that a tone lasts, and from one to the next
SECONDS = 30.0  # that anything may take
WITHOUT_UDP = "--webrtc-ip-handling-policy=disable_non_proxied_udp"
LOOK_AND_LISTEN = """
const video = document.querySelector("video");
const paint = new OffscreenCanvas(4, 4).getContext("2d", { willReadFrequently: true });
const shown = [], onsets = [];
let white = -1000, last = -1000;
function look(now, frame) {
  paint.drawImage(video, 0, 0, 12, 12, 0, 0, 4, 4);
  const [red, green, blue] = paint.getImageData(2, 2, 1, 1).data, at = frame.expectedDisplayTime;
  if (0.2126 * red + 0.7152 * green + 0.0722 * blue > 215) {
    if (at - white > 300) shown.push(at);
    white = at;
  }
  video.requestVideoFrameCallback(look);
}
video.requestVideoFrameCallback(look);
const context = new AudioContext(), analyser = context.createAnalyser();
analyser.fftSize = 512;
const data = new Float32Array(analyser.fftSize);
context.createMediaStreamSource(video.captureStream()).connect(analyser);
setInterval(() => {
  analyser.getFloatTimeDomainData(data);
  if (!data.some((value) => Math.abs(value) > 0.1)) return;
  const now = performance.now();
  if (now - last > 300) onsets.push(now);
  last = now;
}, 2);
window.noted = () => ({ shown, onsets });
"""


def tone() -> npt.NDArray[np.float32]:
    """Samples at `RATE`."""
    return (0.4 * np.sin(2 * np.pi * 440 * np.arange(round(TONE * RATE)) / RATE)).astype(np.float32)


def write_plain(path: Path, count: int) -> None:
    """An mp4 that is white while a tone is heard, once in `EVERY` seconds."""
    audio = np.zeros(round((count + 1) * EVERY * RATE), np.float32)
    for number in range(1, count + 1):
        start = round(number * EVERY * RATE)
        audio[start : start + len(tone())] = tone()
    with av.open(path, "w", options={"movflags": "faststart"}) as output:
        video = output.add_stream("libx264", rate=FPS, options={"preset": "superfast", "bf": "0"})
        video.width, video.height, video.pix_fmt = 132, 98, "yuv420p"
        sound = output.add_stream("aac", rate=RATE, layout="mono")
        for tick in range(round((count + 1) * EVERY * FPS)):
            speaks = tick / FPS >= EVERY and (tick / FPS) % EVERY < TONE - 1e-6
            planes = np.full((98 * 3 // 2, 132), 128, np.uint8)
            planes[:98] = WHITE if speaks else 100
            frame = av.VideoFrame.from_ndarray(planes, "yuv420p")
            frame.pts, frame.time_base = tick, Fraction(1, FPS)
            output.mux(video.encode(frame))
        whole = av.AudioFrame.from_ndarray(audio[np.newaxis], "fltp", "mono")
        whole.sample_rate, whole.pts = RATE, 0
        output.mux(sound.encode(whole))
        output.mux(sound.encode(None))
        output.mux(video.encode(None))


@contextmanager
def chromium(*switches: str) -> Iterator[webdriver.Chrome]:
    """A browser without a window that plays audio unasked."""
    options = webdriver.ChromeOptions()
    options.binary_location = "/usr/bin/chromium"
    for switch in ("--headless=new", "--no-sandbox", "--autoplay-policy=no-user-gesture-required", *switches):
        options.add_argument(switch)
    driver = webdriver.Chrome(options=options, service=Service("/usr/bin/chromedriver"))
    try:
        yield driver
    finally:
        driver.quit()


def measure_plain(count: int) -> list[float]:
    """Milliseconds by which audio is before video in a plain mp4, for each tone."""
    with tempfile.TemporaryDirectory() as folder, chromium() as driver:
        write_plain(Path(folder, "plain.mp4"), count)
        Path(folder, "page.html").write_text('<!doctype html><video src="plain.mp4" muted></video>', "utf-8")
        serve = functools.partial(_Quiet, directory=folder)
        with http.server.ThreadingHTTPServer(("127.0.0.1", 0), serve) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            driver.get(f"http://127.0.0.1:{server.server_port}/page.html")
            driver.execute_script(LOOK_AND_LISTEN + "video.muted = false; video.play();")
            time.sleep((count + 2) * EVERY)
            found = skews(driver)
            server.shutdown()
    return found


def measure_page(count: int, *switches: str) -> tuple[str, list[float], list[float]]:
    """By which way the page shows a session, the same of it, and, by WebRTC, what the browser itself tells."""
    written = io.BytesIO()
    with wave.open(written, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes((tone() * 32767).astype("<i2").tobytes())
    with running() as server, chromium(*switches) as driver:
        wait, delays = WebDriverWait(driver, SECONDS, 0.05), []
        driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": NOTE_PEERS})
        driver.get(f"{server.address}/")
        wait.until(lambda _: driver.find_elements(By.CSS_SELECTOR, f"option[value='{TINY}']"))
        Select(driver.find_element(By.ID, "avatar")).select_by_value(TINY)
        driver.find_element(By.ID, "start").click()
        wait.until(lambda _: driver.execute_script("return video.currentTime > 2"))
        driver.execute_script(f"(() => {{ {LOOK_AND_LISTEN} }})()")
        for _ in range(count):
            path = f"{server.address}/v1/sessions/{driver.execute_script('return live.id')}/speak"
            httpx.post(path, content=written.getvalue(), timeout=SECONDS).raise_for_status()
            time.sleep(EVERY)
            delays.append(driver.execute_async_script(PLAYED))
        time.sleep(EVERY)
        return str(driver.find_element(By.ID, "way").text), skews(driver), [each for each in delays if each is not None]


def skews(driver: webdriver.Chrome) -> list[float]:
    """Milliseconds from each tone to its frame."""
    noted = driver.execute_script("return noted()")
    onsets = np.array(noted["onsets"])
    found = [shown - onsets for shown in noted["shown"]]
    return [float(each[np.abs(each).argmin()]) for each in found if len(each) and np.abs(each).min() < 400]


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing."""


def main() -> None:
    """Print the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=30, help="Tones of each measurement.")
    count = parser.parse_args().count
    plain = measure_plain(count)
    found: dict[str, object] = {"plain mp4, ms": round(float(np.median(plain)), 1), "tones": len(plain)}
    for switches in ((), (WITHOUT_UDP,)):
        way, page, delays = measure_page(count, *switches)
        less = np.array(page) - np.median(plain)
        own = (
            {"video after audio by the browser itself, median, ms": round(float(np.median(delays)), 1)}
            if delays
            else {}
        )
        found[way] = own | {
            "video after audio less the plain mp4's, median, ms": round(float(np.median(less)), 1),
            "5th to 95th percentile, ms": [round(float(each), 1) for each in np.percentile(less, (5, 95))],
            "tones": len(page),
        }
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
