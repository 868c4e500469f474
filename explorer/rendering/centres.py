"""Centres of the clusters of W, as targets of truncation where one mean would lie between them all.

Source: Self-Distilled StyleGAN (Mokady et al. 2022), section 4.2 "multi-modal truncation".
"""

import warnings

import torch
from torch import Tensor

from explorer.state import CENTRES, NEAREST

__all__ = ["centre_of", "find_centres"]


def find_centres(samples: Tensor) -> Tensor:
    """Part mapped samples into clusters by k-means. The same samples give the same bits.

    Args:
        samples: ``[n, w_dim]``, at least as many as there are clusters.

    Returns:
        ``[CENTRES, w_dim]``, the centre of the most crowded cluster first.
    """
    from sklearn.cluster import KMeans
    from sklearn.exceptions import ConvergenceWarning

    w = samples.double().cpu()
    clusters = KMeans(CENTRES, n_init=1, random_state=0)
    with warnings.catch_warnings():
        # A mapping with fewer distinct styles than clusters leaves some empty, which is no fault.
        warnings.simplefilter("ignore", ConvergenceWarning)
        found = clusters.fit(w.numpy())
    labels = torch.from_numpy(found.labels_).long()
    # Threads add up in any order; the means are taken anew in a fixed one.
    centres = torch.from_numpy(found.cluster_centers_).clone()
    sizes = torch.bincount(labels, minlength=CENTRES)
    for index in range(CENTRES):
        if sizes[index]:
            centres[index] = w[labels == index].mean(dim=0)
    # In a stable order, so that clusters of equal size keep theirs.
    return centres[sizes.argsort(descending=True, stable=True)].float().contiguous()


def centre_of(w_plus: Tensor, centres: Tensor, index: int) -> Tensor:
    """What rows are pulled to.

    Args:
        w_plus: ``[N, num_ws, w_dim]``.
        centres: From `find_centres`.
        index: Of a centre; or `NEAREST`, which chooses one for each row.

    Returns:
        ``[N, num_ws, w_dim]``.
    """
    centres = centres.to(w_plus)
    if index != NEAREST:
        return centres[index].expand_as(w_plus)
    distances = (w_plus.unsqueeze(2) - centres).square().sum(dim=3)
    return centres[distances.argmin(dim=2)]
