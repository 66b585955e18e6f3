"""The page's videos in a real browser: from a file or a text to a download."""

import base64
from pathlib import Path

import hibari  # noqa: F401  # where the extra [say] is missing, these tests are left out
import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import Select

from frame_generation_pipeline.jobs.settings import JobSettings
from frame_generation_pipeline.server.settings import ServerSettings
from samples import write_wav
from server.browsing import CHROMIUM, DRIVER, Browser
from serving import TINY, running

# What a browser does with a file that is dropped, as far as scripts can tell.
DROP = """
const bytes = Uint8Array.from(atob(arguments[0]), (letter) => letter.charCodeAt(0)), data = new DataTransfer();
data.items.add(new File([bytes], "speech.wav", { type: "audio/wav" }));
for (const type of ["dragover", "drop"]) {
  document.getElementById("video-drop").dispatchEvent(
    new DragEvent(type, { dataTransfer: data, bubbles: true, cancelable: true })
  );
}
"""


@pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="Chromium is absent: apt-get install chromium chromium-driver")
def test_a_file_is_dropped_and_its_video_is_played_and_downloaded(avatars: Path, tmp_path: Path) -> None:
    audio = write_wav(tmp_path / "speech.wav", 1.0)
    with running(ServerSettings(port=0, avatars=avatars, jobs=JobSettings(tmp_path / "jobs"))) as server:
        browser = Browser(server)
        try:
            driver = browser.driver
            browser.until(lambda: driver.find_element(By.ID, "videos").is_displayed())
            browser.until(lambda: driver.find_elements(By.CSS_SELECTOR, f"option[value='{TINY}']"))
            Select(driver.find_element(By.ID, "avatar")).select_by_value(TINY)
            button = driver.find_element(By.CSS_SELECTOR, "#video-form button")
            button.click()
            assert "Give a text or an audio file" in driver.find_element(By.ID, "video-problem").text
            encoded = base64.b64encode(audio.read_bytes()).decode()
            driver.execute_script(DROP, encoded)
            browser.until(lambda: browser.run("return document.getElementById('video-audio').files.length"))
            button.click()
            playing = "const video = document.querySelector('#video-list video'); return video && video.videoWidth"
            browser.until(lambda: browser.run(playing))
            browser.run("document.querySelector('#video-list video').play()")
            browser.until(lambda: browser.run("return document.querySelector('#video-list video').currentTime > 0.5"))
            link = driver.find_element(By.CSS_SELECTOR, "#video-list a[download]").get_attribute("href")
            assert link is not None
            assert len(server.client.get(link).content) > 1000
            assert "is ready" in driver.find_element(By.ID, "video-list").text
            driver.find_element(By.ID, "video-text").send_keys("Hi 5")
            button.click()
            browser.until(lambda: browser.run("return document.querySelectorAll('#video-list video').length") == 2)
            driver.find_element(By.ID, "video-text").send_keys("Пока")
            button.click()
            browser.until(lambda: "CYRILLIC" in driver.find_element(By.ID, "video-problem").text)
            for remove in driver.find_elements(By.CSS_SELECTOR, "#video-list button"):
                remove.click()
            browser.until(lambda: not driver.find_elements(By.CSS_SELECTOR, "#video-list li"))
            assert server.client.get("/v1/videos").json()["data"] == []
        finally:
            browser.driver.quit()
