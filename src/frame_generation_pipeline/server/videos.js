"use strict";
// Videos as jobs: ask for one, watch it being made, play it, keep it or delete it. `ask` and `$` are the page's.
{
  const WORDS = { queued: "waits", in_progress: "is being made", completed: "is ready", failed: "failed" };
  const shown = new Map(); // the elements of each video, by its id

  function problem(text) { $("video-problem").textContent = text || ""; }

  function element(name, fields, ...children) {
    const made = Object.assign(document.createElement(name), fields);
    made.append(...children);
    return made;
  }

  function row(video) {
    const words = element("span"), bar = element("progress", { max: 100 });
    const remove = element("button", { type: "button", textContent: "Delete" });
    const buttons = element("div", { className: "row" }, words, remove);
    const item = element("li", {}, buttons, bar);
    const parts = { item, words, bar, buttons, remove, events: null, ready: false };
    remove.addEventListener("click", async () => {
      try { await ask(`v1/videos/${video.id}`, { method: "DELETE" }); forget(video.id); } catch (error) { problem(error.message); }
    });
    shown.set(video.id, parts);
    return parts;
  }

  function forget(id) {
    const parts = shown.get(id);
    if (!parts) return;
    if (parts.events) parts.events.close();
    parts.item.remove();
    shown.delete(id);
  }

  function show(video) {
    const parts = shown.get(video.id);
    if (!parts) return;
    const left = video.seconds_left === null ? "" : `, ${Math.ceil(video.seconds_left)}\u00a0s left`;
    const running = video.status === "in_progress" ? ` (${video.progress}\u00a0%${left})` : "";
    parts.words.textContent = `${video.avatar}: ${WORDS[video.status]}${running}${video.error ? `: ${video.error}` : ""}`;
    parts.bar.hidden = video.status === "completed" || video.status === "failed";
    if (video.status === "in_progress" && video.progress) parts.bar.value = video.progress;
    parts.bar.setAttribute("aria-label", `How far the video of ${video.avatar} is`);
    if (video.status === "completed" && !parts.ready) {
      parts.ready = true;
      offer(video, parts);
    }
  }

  // The player comes with its poster, the avatar's face, and in its shape: nothing black is seen before it loads.
  async function offer(video, parts) {
    const source = video.content.slice(1), face = new Image();
    parts.remove.before(element("a", { href: source, download: "", textContent: "Download" }));
    face.src = `v1/avatars/${encodeURIComponent(video.avatar)}/preview`;
    await face.decode().catch(() => null); // an avatar that is gone has no face
    const player = element("video", { src: source, controls: true, preload: "metadata", playsInline: true });
    if (face.naturalWidth) {
      player.poster = face.src;
      player.style.aspectRatio = `${face.naturalWidth} / ${face.naturalHeight}`;
    }
    parts.item.append(player);
  }

  function follow(video) {
    const parts = shown.get(video.id);
    parts.events = new EventSource(`v1/videos/${video.id}/events`);
    for (const name of Object.keys(WORDS)) {
      parts.events.addEventListener(name, (event) => {
        const now = JSON.parse(event.data);
        show(now);
        if (name === "completed" || name === "failed") parts.events.close();
      });
    }
    parts.events.addEventListener("deleted", () => forget(video.id));
  }

  function add(video, place) {
    if (shown.has(video.id)) return;
    $("video-list")[place](row(video).item);
    show(video);
    if (video.status === "queued" || video.status === "in_progress") follow(video);
  }

  async function list() {
    const answer = await fetch("v1/videos");
    if (!answer.ok) return; // nobody is logged in yet
    const { data, enabled } = await answer.json();
    $("videos").hidden = !enabled;
    for (const video of data) add(video, "append");
  }

  $("video-form").addEventListener("submit", async (event) => {
    event.preventDefault();
    problem();
    const form = new FormData(), text = $("video-text").value.trim(), audio = $("video-audio").files[0];
    if (!text === !audio) { problem("Give a text or an audio file."); return; }
    form.append("avatar", $("avatar").value);
    if (audio) form.append("audio", audio); else form.append("text", text);
    const button = event.target.querySelector("button");
    button.disabled = true;
    try {
      add(await (await ask("v1/videos", { method: "POST", body: form })).json(), "prepend");
      event.target.reset();
    } catch (error) { problem(error.message); }
    button.disabled = false;
  });

  const drop = $("videos");
  for (const name of ["dragover", "dragleave", "drop"]) {
    drop.addEventListener(name, (event) => {
      event.preventDefault();
      $("video-drop").classList.toggle("over", name === "dragover");
      if (name === "drop" && event.dataTransfer.files.length) $("video-audio").files = event.dataTransfer.files;
    });
  }

  addEventListener("login", list);
  list();
}
