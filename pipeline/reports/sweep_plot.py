"""A sweep as a picture: samples by value, a line a task, or of a grid a line a second value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

from pipeline.reports.sweep import SweepRow, Swept

_WIDTH, _HEIGHT = 640, 360
_LEFT, _TOP, _BOTTOM, _RIGHT = 60, 30, 50, 190
_COLOURS = ("#2f6fb0", "#c2571a", "#3b8f4e", "#8a4fa3", "#b03a52", "#7a6a1f", "#2a8a8f", "#555555")
_GRID_LINES = 4


def sweep_svg(rows: Sequence[SweepRow], swept: Sequence[Swept]) -> str:
    """An SVG; the settings as they are have no place on the axis, and are left out.

    Values stand at even distances, in the order in which they were given.
    """
    first = swept[0]
    found = [row for row in rows if row.values]
    lines = _lines(found, swept)
    most = max([1, *(number for line in lines.values() for number in line.values())])
    body = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}"'
        f' font-family="sans-serif" font-size="12">',
        f"<title>{escape(f'Samples by {first.key}')}</title>",
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#ffffff"/>',
    ]
    for step in range(_GRID_LINES + 1):
        number = most * step / _GRID_LINES
        y = _y(number, most)
        body.append(f'<path d="M{_LEFT} {y:.1f}H{_WIDTH - _RIGHT}" stroke="#dddddd"/>')
        body.append(f'<text x="{_LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{number:,.0f}</text>')
    for at, value in enumerate(first.values):
        x, y = _x(at, len(first.values)), _HEIGHT - _BOTTOM + 20
        body.append(f'<text x="{x:.1f}" y="{y}" text-anchor="middle">{escape(value)}</text>')
    middle = (_LEFT + _WIDTH - _RIGHT) / 2
    label = f'<text x="{middle}" y="{_HEIGHT - 10}" text-anchor="middle">'
    body.append(f"{label}{escape(first.key)}</text>")
    for number, (name, line) in enumerate(lines.items()):
        body += _line(number, name, line, first, most)
    return "\n".join([*body, "</svg>"]) + "\n"


def _lines(rows: Sequence[SweepRow], swept: Sequence[Swept]) -> Mapping[str, Mapping[str, int]]:
    """By name, the number at each value of the first setting."""
    first, *others = swept
    found: dict[str, dict[str, int]] = {}
    for row in rows:
        numbers = row.samples if not others else {row.values[others[0].key]: row.total}
        for name, number in numbers.items():
            found.setdefault(name, {})[row.values[first.key]] = number
    if others:
        label = others[0].key.rpartition(".")[2]
        return {f"{label} {name}": line for name, line in found.items()}
    # A task that has no sample at a value has none, and not a gap.
    return {n: {v: line.get(v, 0) for v in first.values} for n, line in found.items()}


def _line(
    number: int, name: str, line: Mapping[str, int], first: Swept, most: int
) -> Sequence[str]:
    colour, several = _COLOURS[number % len(_COLOURS)], len(first.values)
    points = [
        (_x(at, several), _y(line[value], most))
        for at, value in enumerate(first.values)
        if value in line
    ]
    path = "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
    dots = [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in points]
    x, y = _WIDTH - _RIGHT + 14, _TOP + 10 + 18 * number
    dashes = ' stroke-dasharray="5 3"' if number >= len(_COLOURS) else ""
    return [
        f'<path d="M{path}" fill="none" stroke="{colour}" stroke-width="2"{dashes}/>',
        *dots,
        f'<rect x="{x}" y="{y - 9}" width="10" height="10" fill="{colour}"/>',
        f'<text x="{x + 16}" y="{y}">{escape(name)}</text>',
    ]


def _x(at: int, several: int) -> float:
    room = _WIDTH - _LEFT - _RIGHT - 40
    return _LEFT + 20 + (room * at / (several - 1) if several > 1 else room / 2)


def _y(number: float, most: int) -> float:
    return _HEIGHT - _BOTTOM - (_HEIGHT - _TOP - _BOTTOM) * number / most
