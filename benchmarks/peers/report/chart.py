"""Draws results as SVG: two groups of bars, times in sequence and jobs a second at once."""

from html import escape
from typing import Any

_WIDTH, _LABEL, _BAR, _GAP, _TOP = 720, 190, 22, 10, 40
_OURS, _THEIRS = "#2b6cb0", "#a0aec0"
_STYLE = "font:13px sans-serif;fill:#1a202c"


def draw(results: list[dict[str, Any]], in_flight: int) -> str:
    """Return a picture with a bar for each engine in each group."""
    panels = [
        ("One after the other: p50, milliseconds (shorter is better)", "sequence_a", "p50_ms"),
        (f"{in_flight} in flight: jobs a second (longer is better)", "at_once_a", "per_second"),
    ]
    parts, y = [], 0
    for title, load, what in panels:
        bars = [(each["name"], each[load][what]) for each in results if load in each]
        parts.append(_draw_panel(title, bars, y))
        y += _TOP + len(bars) * (_BAR + _GAP) + _GAP
    size = f'width="{_WIDTH}" height="{y}" viewBox="0 0 {_WIDTH} {y}"'
    body = "\n".join(parts)
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size}>\n{body}\n</svg>\n'


def _draw_panel(title: str, bars: list[tuple[str, float]], top: int) -> str:
    most = max((value for _, value in bars), default=1.0) or 1.0
    lines = [f'<text x="0" y="{top + 22}" style="{_STYLE};font-weight:bold">{escape(title)}</text>']
    for place, (name, value) in enumerate(bars):
        y = top + _TOP + place * (_BAR + _GAP)
        width = max(1.0, value / most * (_WIDTH - _LABEL - 70))
        color = _OURS if name.startswith("Amends") else _THEIRS
        lines.append(f'<text x="0" y="{y + 16}" style="{_STYLE}">{escape(name)}</text>')
        lines.append(
            f'<rect x="{_LABEL}" y="{y}" width="{width:.1f}" height="{_BAR}" fill="{color}"/>'
        )
        shown = f"{value:.1f}" if value < 100 else f"{value:.0f}"
        lines.append(
            f'<text x="{_LABEL + width + 6:.1f}" y="{y + 16}" style="{_STYLE}">{shown}</text>'
        )
    return "\n".join(lines)
