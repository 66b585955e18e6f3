"""Write a page of text, tables, images and charts as one HTML file that needs no other file."""

import base64
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import matplotlib
import numpy as np
import numpy.typing as npt
from jinja2 import Environment, PackageLoader
from matplotlib.figure import Figure

from frame_generation_pipeline.files.output import complete_file

QUALITY = 88  # of JPEG images
CHART_SIZE = (9.0, 3.0)  # inches; scaled to the page's width

Curve = tuple[Sequence[float], Sequence[float]]  # x and y


class Page:
    """Collects the parts of a page in order; `write` writes the file."""

    def __init__(self, title: str, lead: str) -> None:
        self.title, self.lead = title, lead
        self._parts: list[dict[str, Any]] = []

    def heading(self, text: str) -> None:
        """Add the heading of a section."""
        self._parts.append({"kind": "heading", "text": text})

    def paragraph(self, text: str) -> None:
        """Add plain text."""
        self._parts.append({"kind": "paragraph", "text": text})

    def list(self, lines: Sequence[str]) -> None:
        """Add a bullet for each line."""
        self._parts.append({"kind": "list", "lines": lines})

    def table(self, headers: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
        """Add a table; numbers are shown as they are."""
        self._parts.append({"kind": "table", "headers": headers, "rows": rows})

    def image(self, image: npt.NDArray[np.uint8], caption: str) -> None:
        """Add an image (h, w, 3) uint8 BGR."""
        _, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
        source = "data:image/jpeg;base64," + base64.b64encode(data.tobytes()).decode()
        self._parts.append({"kind": "image", "source": source, "caption": caption})

    def chart(self, curves: Mapping[str, Curve], *, x: str, y: str, caption: str, log_y: bool = False) -> None:
        """Add a chart of curves by their names; x, y: names of the axes."""
        with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "page"}):
            figure = Figure(figsize=CHART_SIZE, layout="constrained")
            axes = figure.subplots()
            for name, (along, values) in curves.items():
                axes.plot(along, values, label=name, linewidth=1.2, marker="." if len(along) < 3 else None)
            axes.set(xlabel=x, ylabel=y, yscale="log" if log_y else "linear")
            axes.grid(alpha=0.25)
            axes.legend(frameon=False, fontsize="small")
            svg = io.StringIO()
            figure.savefig(svg, format="svg", metadata={"Date": None})
        _, tag, drawing = svg.getvalue().partition("<svg")  # without the XML declaration
        self._parts.append({"kind": "chart", "svg": tag + drawing, "caption": caption})

    def write(self, path: Path) -> None:
        """Write the page; it gets its name when it is complete. Raises OutputError."""
        template = Environment(loader=PackageLoader(__package__, "."), autoescape=True).get_template("page.html")
        with complete_file(path) as temporary:
            temporary.write_text(
                template.render(title=self.title, lead=self.lead, parts=self._parts), "utf-8", "backslashreplace"
            )
