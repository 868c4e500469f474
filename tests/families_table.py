"""The table of docs/families.md, asked from the code: ``python -m tests.families_table`` writes it anew."""

from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import torch
from torch import nn

from explorer.checkpoints.families import GENERATORS, describe
from explorer.errors import ExplorerError
from explorer.generators import lightweight, mobile_stylegan, progan, stylegan1
from explorer.generators.styles import broadcast
from explorer.rendering import restrict
from explorer.state import EditState, Mix, Noise, SeedPad, Transform, Truncation
from tests.checkpoints.networks import (
    fastgan_generator,
    r3gan_generator,
    stylegan2_generator,
    stylegan3_generator,
    stylegan_t_generator,
    stylegan_xl_generator,
)
from training.networks import shape_settings

PAGE = Path(__file__).parents[1] / "docs" / "families.md"
BEGIN, END = "<!-- table, written by tests/families_table.py -->", "<!-- /table -->"

DRAG = "nothing here pulls points of a picture to other places (DragGAN)"

TITLES = {
    "progan": "ProGAN",
    "stylegan1": "StyleGAN",
    "stylegan2": "StyleGAN2, StyleGAN2-ADA",
    "lightweight": "StyleGAN2 of lucidrains",
    "mobile_stylegan": "MobileStyleGAN",
    "stylegan3": "StyleGAN3",
    "stylegan_xl": "StyleGAN-XL",
    "stylegan_t": "StyleGAN-T",
    "r3gan": "R3GAN",
    "fastgan": "FastGAN (Projected GAN)",
}

COLUMNS = ("open", "render", "mix", "truncate", "noise", "transform", "project", "drag", "export", "train")


def models() -> dict[str, nn.Module]:
    """The smallest network of every family."""
    torch.manual_seed(0)
    small = {"resolution": 8, "channels": (8, 8)}
    style1 = stylegan1.GeneratorConfig(**small, z_dim=8, w_dim=8, mapping_layers=2)
    light = lightweight.GeneratorConfig(**small, first_channels=8, w_dim=8)
    mobile = mobile_stylegan.GeneratorConfig(resolution=16, channels=(8, 8), w_dim=8, mapping_layers=2)
    return {
        "progan": progan.Generator(progan.GeneratorConfig(**small, z_dim=8)),
        "stylegan1": stylegan1.Generator(style1),
        "stylegan2": stylegan2_generator(),
        "lightweight": lightweight.Generator(light),
        "mobile_stylegan": mobile_stylegan.Generator(mobile),
        "stylegan3": stylegan3_generator(),
        "stylegan_xl": stylegan_xl_generator(),
        "stylegan_t": stylegan_t_generator(),
        "r3gan": r3gan_generator(),
        "fastgan": fastgan_generator(),
    }


def dropped(**change: object) -> Callable[[nn.Module], str]:
    """Why a state with a change does not fit a model, as `restrict` says it; empty where it does."""

    def ask(generator: nn.Module) -> str:
        _, notes = restrict(EditState(**change), generator.spec)
        return "; ".join(notes)

    return ask


def opens(generator: nn.Module) -> str:
    """Whether it is in the table of families that files are built from."""
    return "" if generator.spec.family in GENERATORS else "no reader builds it"


def renders(generator: nn.Module) -> str:
    """Whether a latent becomes a picture of the size that the spec says."""
    image = _picture(generator, _styles(generator))
    return "" if image.shape[1:] == (generator.spec.img_channels, *generator.spec.resolution) else "no picture"


def projects(generator: nn.Module) -> str:
    """Whether a photo can pull at w: a picture has a gradient there."""
    w = _styles(generator).requires_grad_()
    (gradient,) = torch.autograd.grad(_picture(generator, w).square().sum(), w)
    return "" if gradient.abs().sum() > 0 else "its picture has no gradient in w"


def exports(generator: nn.Module) -> str:
    """Whether it can be written; that ONNX gives the same pictures is tests/checkpoints/test_onnx_export.py's."""
    try:
        describe(generator, GENERATORS)
    except ExplorerError as error:
        return str(error)
    return ""


def trains(generator: nn.Module) -> str:
    """Whether the trainer goes on from it, in the trainer's own words."""
    source = SimpleNamespace(generator=generator, info=SimpleNamespace(path=Path("it")))
    try:
        shape_settings(source)
    except ExplorerError:
        return "the trainer's networks are StyleGAN2 and StyleGAN3"
    return ""


ASKED: dict[str, Callable[[nn.Module], str]] = {
    "open": opens,
    "render": renders,
    "mix": dropped(mixing=(Mix(SeedPad(1, 0), (0,)),)),
    "truncate": dropped(truncation=Truncation(0.5)),
    "noise": dropped(noise=Noise("random", seed=1)),
    "transform": dropped(transform=Transform(rotate_deg=10)),
    "project": projects,
    "drag": lambda generator: DRAG,
    "export": exports,
    "train": trains,
}


def _styles(generator: nn.Module) -> torch.Tensor:
    spec = generator.spec
    c = torch.eye(spec.c_dim)[:1] if spec.c_dim else None
    z = torch.randn(1, spec.z_dim, generator=torch.Generator().manual_seed(0))
    return generator.map(z, c).detach()


def _picture(generator: nn.Module, w: torch.Tensor) -> torch.Tensor:
    return generator.synthesize(generator.style(broadcast(w, generator.spec.num_ws)))


def table() -> str:
    """The table in Markdown, and below it why something is not to be had."""
    lines = [f"| family | {' | '.join(COLUMNS)} |", "|-|" + "-|" * len(COLUMNS)]
    reasons: dict[str, int] = {}
    for family, generator in models().items():
        cells = []
        for column in COLUMNS:
            reason = ASKED[column](generator)
            cells.append(f"no ({reasons.setdefault(reason, len(reasons) + 1)})" if reason else "yes")
        lines.append(f"| {TITLES[family]} | {' | '.join(cells)} |")
    return "\n".join([*lines, "", *_numbered(reasons)])


def _numbered(reasons: dict[str, int]) -> Iterator[str]:
    for reason, number in reasons.items():
        yield f"{number}. {reason[0].upper()}{reason[1:]}."


def written(page: str) -> str:
    """The page with the table as it is now."""
    head, _, rest = page.partition(BEGIN)
    _, _, tail = rest.partition(END)
    return f"{head}{BEGIN}\n{table()}\n{END}{tail}"


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
