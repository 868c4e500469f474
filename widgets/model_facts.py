"""What is known about the open model, in words: a few facts for the panel, all of them for the window of details."""

from collections.abc import Mapping

from explorer.state import GeneratorSpec

__all__ = ["FACTS", "details", "facts", "family_words", "size_words"]

FACTS = ("Family", "Size", "Trained", "Licence")
"""Captions of what the panel shows."""
_FAMILIES = {
    "fastgan": "FastGAN (Projected GAN)",
    "lightweight": "StyleGAN2 (lucidrains)",
    "mobile_stylegan": "MobileStyleGAN",
    "progan": "ProGAN",
    "r3gan": "R3GAN",
    "stylegan1": "StyleGAN",
    "stylegan2": "StyleGAN2",
    "stylegan3": "StyleGAN3",
    "stylegan_t": "StyleGAN-T",
    "stylegan_xl": "StyleGAN-XL",
}
_CHANNELS = {1: "grey", 3: "RGB", 4: "RGBA"}
_NOT_SAID = "the file does not say"
# Shown by name of their own, above.
_TOLD = ("kimg", "licence", "data", "metrics", "start_seed", "name")

Section = tuple[str, tuple[tuple[str, str], ...]]


def facts(spec: GeneratorSpec | None, info: Mapping[str, object]) -> tuple[str, ...]:
    """The values of `FACTS`."""
    if spec is None:
        return ("–",) * len(FACTS)
    return (
        f"{_family(spec)}{_condition(spec)}",
        f"{_picture(spec)}, {len(spec.layers)} layers",
        _kimg(info.get("kimg")),
        str(info.get("licence") or _NOT_SAID),
    )


def details(spec: GeneratorSpec, info: Mapping[str, object]) -> tuple[Section, ...]:
    """Everything, in sections of captions and texts; what the file does not say is left out."""
    sections = (
        ("Network", _network(spec)),
        ("Training", _training(info)),
        ("File", _file(info)),
        ("Notes", tuple(("", str(note)) for note in _list(info.get("notes")))),
        ("Card", tuple(_card(info.get("card")))),
    )
    return tuple((title, rows) for title, rows in sections if rows)


def size_words(size_bytes: float) -> str:
    """A number of bytes for a person: ``2.8 MB``."""
    for unit in ("B", "kB", "MB"):
        if size_bytes < 1000:
            return f"{size_bytes:.3g} {unit}" if unit != "B" else f"{size_bytes:.0f} B"
        size_bytes /= 1000
    return f"{size_bytes:.3g} GB"


def family_words(family: str) -> str:
    """What a person calls a family."""
    return _FAMILIES.get(family, family)


def _family(spec: GeneratorSpec) -> str:
    family = family_words(spec.family)
    letter = spec.family in ("stylegan3", "stylegan_xl")
    return f"{family}-{spec.variant.upper()}" if letter else f"{family}, {spec.variant}"


def _condition(spec: GeneratorSpec) -> str:
    if not spec.c_dim:
        return ""
    return ", drawn from text" if spec.text else f", {spec.c_dim} classes"


def _picture(spec: GeneratorSpec) -> str:
    height, width = spec.resolution
    return f"{width} × {height} {_CHANNELS.get(spec.img_channels, f'{spec.img_channels} channels')}"


def _kimg(kimg: object) -> str:
    if not isinstance(kimg, int | float):
        return _NOT_SAID
    return f"{kimg:,.0f} kimg" if kimg >= 1000 else f"{kimg:.4g} kimg"


def _network(spec: GeneratorSpec) -> tuple[tuple[str, str], ...]:
    condition = f"a text of {spec.c_dim} numbers" if spec.text else f"{spec.c_dim} classes"
    return (
        ("Family", _family(spec)),
        ("Picture", _picture(spec)),
        ("Layers", f"{len(spec.layers)}, styled by {spec.num_ws} rows of w"),
        ("Latents", f"z {spec.z_dim}, w {spec.w_dim}"),
        *((("Label", condition),) if spec.c_dim else ()),
    )


def _training(info: Mapping[str, object]) -> tuple[tuple[str, str], ...]:
    metrics = info.get("metrics")
    rows = [("Trained", _kimg(info.get("kimg"))), ("Data", info.get("data")), ("Licence", info.get("licence"))]
    measured = metrics.items() if isinstance(metrics, dict) else ()
    rows += [("" if place else "Measured", f"{name}: {_words(value)}") for place, (name, value) in enumerate(measured)]
    return tuple((caption, _words(value)) for caption, value in rows if value not in (None, "", _NOT_SAID))


def _file(info: Mapping[str, object]) -> tuple[tuple[str, str], ...]:
    size = info.get("size_bytes")
    networks = ", ".join(map(str, _list(info.get("entries"))))
    rows = (
        ("Path", info.get("path")),
        ("Kind", info.get("format")),
        ("Bytes", size_words(size) if isinstance(size, int) else None),
        ("Holds", f"{networks}; drawn by {info.get('used')}" if networks else None),
        ("SHA-256", info.get("sha256")),
    )
    return tuple((caption, str(value)) for caption, value in rows if value)


def _card(card: object) -> list[tuple[str, str]]:
    if not isinstance(card, dict):
        return []
    rows: list[tuple[str, str]] = []
    for name, value in card.items():
        if name in _TOLD:
            continue
        caption = str(name).replace("_", " ").capitalize()
        parts = value if isinstance(value, list | tuple) else [value]
        rows += [(caption if place == 0 else "", _words(part)) for place, part in enumerate(parts)]
    return rows


def _words(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {_words(part)}" for name, part in value.items())
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _list(value: object) -> tuple[object, ...]:
    return tuple(value) if isinstance(value, list | tuple) else ()
