"""Records of published FastGAN generators from their layout; numbers as in `tests.checkpoints.projected_records`."""

import torch

from explorer.checkpoints.record import ModuleRecord
from tests.checkpoints.projected_records import filled, linear, listed, norm, spectral

SHARES = {4: 16, 8: 8, 16: 4, 32: 2, 64: 2, 128: 1}
EXCITED = {64: 4, 128: 8}
CLASSES = 7
Z_DIM = 12


def fastgan(*, resolution: int, lite: bool = False, conditional: bool = False, width: int = 4) -> ModuleRecord:
    """As the published program makes it: features of sizes past the picture's are there, and of no use."""
    features = {side: width * share for side, share in SHARES.items()}
    synthesis = ModuleRecord("FastganSynthesis", {"img_resolution": resolution, "z_dim": Z_DIM})
    first = spectral((Z_DIM, 2 * features[4], 4, 4), transposed=True)
    first.buffers = {"weight_u": torch.zeros(2 * features[4]), "weight_v": torch.zeros(16 * Z_DIM)}
    first.attributes["output_padding"] = (0, 0)
    init = listed([first, norm("BatchNorm2d", 2 * features[4], eps=1e-5), ModuleRecord("GLU")])
    synthesis.children["init"] = ModuleRecord("InitLayer", children={"init": init})
    for side in features:
        if side > 4:
            block = _conditional if conditional else _plain
            synthesis.children[f"feat_{side}"] = block(features[side // 2], features[side], lite=lite)
    for side, small in EXCITED.items():
        pool = ModuleRecord("AdaptiveAvgPool2d", {"output_size": 4})
        see, weigh = spectral((features[side], features[small], 4, 4)), spectral((features[side], features[side], 1, 1))
        main = listed([pool, see, ModuleRecord("Swish"), weigh, ModuleRecord("Sigmoid")])
        synthesis.children[f"se_{side}"] = ModuleRecord("SEBlock", children={"main": main})
    synthesis.children["to_big"] = spectral((3, features[resolution], 3, 3), padding=1, bias=True)
    if conditional:
        table = torch.zeros(CLASSES, Z_DIM)
        synthesis.children["embed"] = ModuleRecord("Embedding", {"num_embeddings": CLASSES}, {"weight": table})
    told = {"z_dim": Z_DIM, "c_dim": CLASSES if conditional else 0, "w_dim": 0, "img_resolution": resolution}
    told["img_channels"] = 3
    children = {"mapping": ModuleRecord("DummyMapping"), "synthesis": synthesis}
    return filled(ModuleRecord("Generator", told, children=children))


def _plain(before: int, after: int, *, lite: bool) -> ModuleRecord:
    layers = [ModuleRecord("Upsample", {"scale_factor": 2.0, "mode": "nearest"})]
    for width in (before,) if lite else (before, after):
        layers.append(spectral((2 * after, width, 3, 3), padding=1))
        layers += [] if lite else [_noise()]
        layers += [norm("BatchNorm2d", 2 * after, eps=1e-5), ModuleRecord("GLU")]
    return listed(layers)


def _conditional(before: int, after: int, *, lite: bool) -> ModuleRecord:
    if lite:
        children = {"conv": spectral((2 * after, before, 3, 3), padding=1), "bn": _norm_by_class(2 * after)}
        return ModuleRecord("UpBlockSmallCond", children=children)
    children = {f"conv{k}": spectral((2 * after, width, 3, 3), padding=1) for k, width in ((1, before), (2, after))}
    children |= {"bn1": _norm_by_class(2 * after), "bn2": _norm_by_class(2 * after), "noise": _noise()}
    return ModuleRecord("UpBlockBigCond", children=children)


def _norm_by_class(width: int) -> ModuleRecord:
    buffers = {"stored_mean": torch.zeros(width), "stored_var": torch.zeros(width)}
    children = {}
    for name in ("gain", "bias"):
        part = linear(Z_DIM, width)
        part.parameters["weight_orig"] = part.parameters.pop("weight")
        part.buffers = {"weight_u": torch.zeros(width), "weight_v": torch.zeros(Z_DIM)}
        children[name] = part
    return ModuleRecord("CCBN", {"eps": 1e-5}, buffers=buffers, children=children)


def _noise() -> ModuleRecord:
    return ModuleRecord("NoiseInjection", parameters={"weight": torch.zeros(1)})
