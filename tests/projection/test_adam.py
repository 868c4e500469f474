import subprocess
import sys

import torch

from explorer.projection.adam import Adam


def test_steps_are_those_of_torch() -> None:
    random = torch.Generator().manual_seed(0)
    ours = {"a": torch.randn(5, generator=random), "b": torch.randn(2, 3, generator=random)}
    theirs = {name: value.clone().requires_grad_(True) for name, value in ours.items()}
    rates = {"a": 0.1, "b": 0.02}
    adam = Adam(ours)
    reference = torch.optim.Adam([{"params": [theirs[name]], "lr": rates[name]} for name in rates], betas=(0.9, 0.99))
    for _ in range(6):
        slopes = [torch.randn(value.shape, generator=random) for value in ours.values()]
        adam.step(slopes, rates)
        for value, slope in zip(theirs.values(), slopes, strict=True):
            value.grad = slope
        reference.step()
    for name in rates:
        torch.testing.assert_close(ours[name], theirs[name].detach())


def test_a_step_does_not_load_the_compiler_of_torch() -> None:
    words = (
        "import sys, torch; from explorer.projection.adam import Adam; v = torch.ones(2, requires_grad=True);"
        "s = torch.autograd.grad(v.square().sum(), v); Adam({'v': v}).step(s, {'v': 0.1});"
        "sys.exit('torch._dynamo' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", words], check=True)
