"""Chromium on a server's page."""

import shutil
from collections.abc import Callable

from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import Select, WebDriverWait

from serving import TINY, Running

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")


SECONDS = 120  # that anything may take on a busy machine


NOTE_TIMES = """
const begin = window.play, take = window.hear;
window.play = (session) => {
  const began = performance.now();
  window.shownAfter = null;
  video.requestVideoFrameCallback(() => { window.shownAfter = performance.now() - began; });
  return begin(session);
};
window.hear = (event) => {
  if (event.interrupted) window.interruption = { at: performance.now(), shown: video.currentTime };
  take(event);
};
"""
LISTEN = """
const context = new AudioContext(), analyser = context.createAnalyser();
const video = document.getElementById("video");
context.createMediaStreamSource(video.captureStream ? video.captureStream() : video.srcObject).connect(analyser);
window.loudness = () => {
  const data = new Float32Array(analyser.fftSize);
  analyser.getFloatTimeDomainData(data);
  return Math.sqrt(data.reduce((sum, value) => sum + value * value, 0) / data.length);
};
window.levels = [];
clearInterval(window.listening);
window.listening = setInterval(() => window.levels.push([performance.now(), window.loudness()]), 20);
"""


class Browser:
    """Chromium on the server's page."""

    def __init__(self, server: Running, *switches: str) -> None:
        options = webdriver.ChromeOptions()
        options.binary_location = CHROMIUM or ""
        for switch in (
            "--headless=new",
            "--no-sandbox",
            "--disable-dev-shm-usage",
            "--disable-gpu",
            "--autoplay-policy=no-user-gesture-required",
            "--use-fake-ui-for-media-stream",
            "--use-fake-device-for-media-stream",
            "--window-size=900,1000",
            *switches,
        ):
            options.add_argument(switch)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        self.driver = webdriver.Chrome(options=options, service=Service(DRIVER))
        self.driver.get(f"{server.address}/")
        self.run(NOTE_TIMES)

    def run(self, script: str) -> object:
        return self.driver.execute_script(script)

    def until(self, condition: Callable[[], object]) -> None:
        WebDriverWait(self.driver, SECONDS, 0.05).until(lambda _: condition())

    def state(self) -> str:
        return self.driver.find_element(By.ID, "state").text

    def problem(self) -> str:
        return self.driver.find_element(By.ID, "problem").text

    def start(self) -> None:
        self.until(lambda: self.driver.find_elements(By.CSS_SELECTOR, f"option[value='{TINY}']"))
        Select(self.driver.find_element(By.ID, "avatar")).select_by_value(TINY)
        self.driver.find_element(By.ID, "start").click()
        self.until(lambda: self.driver.find_element(By.ID, "way").text)
        self.until(lambda: self.run("return video.currentTime > 0.2 && video.videoWidth > 0"))
        self.run(LISTEN)

    def end(self) -> None:
        self.driver.find_element(By.ID, "start").click()
        self.until(lambda: self.state() == "not started")

    def number(self, script: str) -> float:
        value = self.run(f"return {script}")
        assert isinstance(value, int | float), value
        return float(value)

    def loudness(self) -> float:
        return self.number("window.loudness()")
