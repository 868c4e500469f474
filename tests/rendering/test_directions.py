import torch

from explorer.rendering.directions import Directions, find_directions
from explorer.state import GeneratorSpec
from tests.models import golden
from tests.tolerances import DIRECTIONS

CPU = torch.device("cpu")


class LinearMapping:
    """A generator whose w is a known linear function of z, so that its directions are known too."""

    spec = GeneratorSpec("linear", "", (4, 4), 3, 3, 3, 0, 1, (), ("output",), False, False)

    def __init__(self, matrix: torch.Tensor) -> None:
        self.matrix = matrix

    def map(self, z: torch.Tensor, c: torch.Tensor | None = None) -> torch.Tensor:
        return z @ self.matrix.T


def directions_of(matrix: torch.Tensor) -> Directions:
    return find_directions(LinearMapping(matrix), CPU)


def test_directions_of_a_known_spread_are_found_widest_first() -> None:
    found = directions_of(torch.diag(torch.tensor([1.0, 5.0, 2.0])))

    torch.testing.assert_close(found.deviations, torch.tensor([5.0, 2.0, 1.0]), **DIRECTIONS.kwargs)
    assert found.components.abs().argmax(dim=1).tolist() == [1, 2, 0]
    torch.testing.assert_close(found.axis_deviations, torch.tensor([1.0, 5.0, 2.0]), **DIRECTIONS.kwargs)
    torch.testing.assert_close(found.offset("axis", 1), torch.tensor([0.0, 5.0, 0.0]), **DIRECTIONS.kwargs)


def test_the_basis_is_orthonormal_and_the_largest_entry_of_each_direction_is_positive() -> None:
    found = find_directions(golden("sg2_32_cond3").generator, CPU)
    largest = found.components.gather(1, found.components.abs().argmax(dim=1, keepdim=True))

    assert len(found.components) == golden("sg2_32_cond3").spec.w_dim
    identity = torch.eye(len(found.components))
    torch.testing.assert_close(found.components @ found.components.T, identity, atol=1e-5, rtol=0)
    assert (largest > 0).all()
    assert (found.deviations.diff() <= 0).all()


def test_the_same_model_gives_the_same_bits_whatever_the_global_seed() -> None:
    torch.manual_seed(1)
    first = find_directions(golden("sg3t_64").generator, CPU)
    torch.manual_seed(2)
    second = find_directions(golden("sg3t_64").generator, CPU)

    assert first.components.equal(second.components)
    assert first.deviations.equal(second.deviations)


def test_a_direction_keeps_its_side_when_the_mapping_is_mirrored() -> None:
    matrix = torch.tensor([[2.0, 0.5, 0.0], [0.3, 1.0, 0.0], [0.0, 0.2, 0.5]])

    torch.testing.assert_close(directions_of(matrix).components, directions_of(-matrix).components)
