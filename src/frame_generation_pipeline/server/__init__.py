"""Avatars over HTTP, WebSocket and WebRTC; needs the extra `[serve]`."""
