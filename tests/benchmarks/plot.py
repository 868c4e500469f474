"""Draw ``docs/images/speed.png`` from ``results/networks.json``: seconds a picture, ours and the published code.

python -m tests.benchmarks.plot
"""

import json
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

ROOT = Path(__file__).resolve().parents[2]
RESULTS = Path(__file__).resolve().parent / "results" / "networks.json"
PICTURE = ROOT / "docs" / "images" / "speed.png"
COLOURS = {"ours": "#2f6fde", "published, memory kept": "#9aa3b2", "published": "#d4d8df"}
WIDTH, LEFT, BAR, GAP, TOP = 900, 170, 18, 30, 64


def main() -> None:
    rows = json.loads(RESULTS.read_text())
    font = ImageFont.truetype(str(ROOT / "assets" / "fonts" / "Inter-Regular.otf"), 15)
    bold = ImageFont.truetype(str(ROOT / "assets" / "fonts" / "Inter-SemiBold.otf"), 15)
    height = TOP + len(rows) * (len(COLOURS) * BAR + GAP)
    picture = Image.new("RGB", (WIDTH, height), "white")
    draw = ImageDraw.Draw(picture)
    draw.text((16, 12), "Seconds a picture, relative to ours (shorter is better)", "#1d2430", bold)
    x = 16
    for side, colour in COLOURS.items():
        draw.rectangle((x, 42, x + 12, 54), colour)
        draw.text((x + 18, 38), side, "#1d2430", font)
        x += 40 + round(draw.textlength(side, font))

    longest = max(row["forward"]["published"]["median_s"] / row["forward"]["ours"]["median_s"] for row in rows.values())
    y = TOP + 16
    for name, row in rows.items():
        draw.text((16, y + BAR), name, "#1d2430", font)
        ours = row["forward"]["ours"]["median_s"]
        for side, colour in COLOURS.items():
            seconds = row["forward"][side]["median_s"]
            right = LEFT + round((WIDTH - LEFT - 170) * seconds / ours / longest)
            draw.rectangle((LEFT, y, right, y + BAR - 3), colour)
            text = f"{seconds:.2f} s" if side == "ours" else f"{seconds:.2f} s, {seconds / ours:.1f} times"
            draw.text((right + 8, y - 2), text, "#1d2430", font)
            y += BAR
        y += GAP
    picture.save(PICTURE, optimize=True)


if __name__ == "__main__":
    main()
