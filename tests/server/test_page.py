"""The page in a real browser, over loopback, with the tiny avatar."""

import math
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from frame_generation_pipeline.server.settings import ServerSettings
from frame_generation_pipeline.server.webrtc import Watcher
from samples import write_wav
from server.browsing import CHROMIUM, DRIVER, Browser
from serving import Running

SHOWN = 3000  # ms from the start to the first frame, also where WebRTC does not come about
LOAD = 3000  # ms that a busy machine may take more
SILENT = 1500  # ms after an interruption from which on nothing is heard; 200 on a machine that does nothing else


@pytest.fixture
def browse(server: Running) -> Iterator[Callable[..., Browser]]:
    """`browse(*switches)` opens the page in Chromium."""
    if not (CHROMIUM and DRIVER):
        pytest.skip("Chromium is absent: apt-get install chromium chromium-driver")
    opened: list[Browser] = []

    def browse(*switches: str) -> Browser:
        opened.append(Browser(server, *switches))
        return opened[-1]

    yield browse
    for browser in opened:
        browser.driver.quit()


def speak(browser: Browser, path: Path) -> None:
    browser.driver.find_element(By.ID, "file").send_keys(str(path))


@pytest.mark.parametrize(
    ("switches", "way"),
    [
        ((), "by WebRTC"),
        (
            ("--webrtc-ip-handling-policy=disable_non_proxied_udp",),
            "by fragmented MP4",
        ),
    ],
    ids=["webrtc", "without UDP"],
)
def test_speaks_is_heard_and_is_interrupted(
    browse: Callable[..., Browser],
    tmp_path: Path,
    switches: tuple[str, ...],
    way: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    write_wav(tmp_path / "speech.wav", 8.0)
    browser = browse(*switches)
    browser.start()
    assert browser.driver.find_element(By.ID, "way").text == way
    assert browser.number("window.shownAfter") < SHOWN + LOAD
    assert browser.state() == "idle"
    assert "AI-generated" in browser.driver.find_element(By.TAG_NAME, "body").text
    assert browser.loudness() < 0.003
    speak(browser, tmp_path / "speech.wav")
    browser.until(lambda: browser.state() == "speaking")
    browser.until(lambda: browser.loudness() > 0.02)
    browser.driver.find_element(By.TAG_NAME, "body").send_keys(Keys.ESCAPE)
    browser.until(lambda: browser.state() == "idle")
    time.sleep(2.5)  # of eight seconds
    assert (
        browser.number(
            f"Math.max(...levels.filter(([at]) => at > interruption.at + {SILENT}).map(([, level]) => level))"
        )
        < 0.003
    )
    if way != "by WebRTC":  # nothing that was said before is there any more
        assert browser.number("video.buffered.start(0)") > browser.number("interruption.shown")
    time_shown = browser.number("video.currentTime")
    browser.until(lambda: browser.number("video.currentTime") > time_shown + 0.2)
    assert browser.run("return video.muted") is False
    assert browser.problem() == ""
    browser.end()
    if way == "by WebRTC":
        monkeypatch.setattr(Watcher, "connected", lambda _: None)  # nothing ever comes
        browser.start()
        assert browser.driver.find_element(By.ID, "way").text == "by fragmented MP4"
        assert 2000 < browser.number("window.shownAfter") < SHOWN + LOAD
        browser.end()
    severe = [entry for entry in browser.driver.get_log("browser") if entry["level"] == "SEVERE"]
    assert severe == []


def test_a_voice_is_passed_on_while_the_key_is_held(browse: Callable[..., Browser]) -> None:
    browser = browse()
    browser.start()
    button = browser.driver.find_element(By.ID, "talk")
    press = "document.getElementById('talk').dispatchEvent(new KeyboardEvent('%s', {key: ' ', bubbles: true}))"
    browser.run("document.getElementById('talk').focus();" + press % "keydown")
    browser.until(lambda: browser.state() == "speaking")  # the browser's own microphone beeps
    assert button.get_attribute("aria-pressed") == "true"
    browser.run(press % "keyup")
    browser.until(lambda: browser.state() == "idle")
    assert button.get_attribute("aria-pressed") == "false"


def test_narrow_and_wide_pages_fit(browse: Callable[..., Browser]) -> None:
    browser = browse()
    for width in (360, 1280):
        browser.driver.set_window_size(width, 900)
        assert browser.run("return document.documentElement.scrollWidth <= innerWidth")
        for element in browser.driver.find_elements(By.CSS_SELECTOR, "button, select, input"):
            if element.is_displayed():
                assert element.size["height"] >= 40  # for fingers
                assert element.accessible_name


def test_a_token_is_asked_for_and_kept_from_scripts(serve: Callable[[ServerSettings], Running], avatars: Path) -> None:
    if not (CHROMIUM and DRIVER):
        pytest.skip("Chromium is absent: apt-get install chromium chromium-driver")
    token = "a-secret-that-nobody-guesses"
    browser = Browser(serve(ServerSettings(port=0, avatars=avatars, tokens={"ada": token})))
    try:
        browser.until(lambda: browser.driver.find_element(By.ID, "login").is_displayed())
        browser.driver.find_element(By.ID, "token").send_keys(token + Keys.ENTER)
        browser.start()
        assert browser.run("return document.cookie") == ""
        assert token not in browser.driver.page_source
        assert math.isfinite(browser.loudness())
    finally:
        browser.driver.quit()


def test_the_page_loads_nothing_from_elsewhere(server: Running) -> None:
    answer = server.client.get("/")
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "https://" not in answer.text
    assert "{nonce}" not in answer.text
