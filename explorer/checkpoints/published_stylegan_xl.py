"""Published StyleGAN-XL snapshots of any stage, T and R: options and weights out of the records of their modules.

The synthesis is StyleGAN3's, so its reader checks the layers; what differs is the mapping.
"""

from torch import Tensor

from explorer.checkpoints.published_fields import Fields
from explorer.checkpoints.published_stylegan3 import agree, check_agreement, check_finite, check_linear, shared_options
from explorer.checkpoints.record import ModuleRecord
from explorer.errors import CheckpointError
from explorer.generators.assign import build_from_tensors
from explorer.generators.stylegan_xl import Generator, GeneratorConfig

__all__ = ["is_generator", "read_generator"]


def is_generator(record: ModuleRecord) -> bool:
    """Whether this is a StyleGAN-XL generator: StyleGAN3's layers, and a table of class embeddings or centres."""
    synthesis, mapping = record.children.get("synthesis"), record.children.get("mapping")
    if synthesis is None or mapping is None or not isinstance(synthesis.attributes.get("layer_names"), list):
        return False
    w_avg, embedding = mapping.buffers.get("w_avg"), mapping.children.get("embed")
    table = embedding is not None and "num_embeddings" in embedding.attributes
    return table or (isinstance(w_avg, Tensor) and w_avg.ndim == 2)


def read_generator(record: ModuleRecord) -> Generator:
    """Build the generator around the record's tensors.

    Raises:
        CheckpointError: An option is missing, of the wrong type, out of range, or contradicts another or a tensor.
    """
    root = Fields(record, "G")
    mapping = root.child("mapping")
    options = shared_options(root)
    rows = _embedding(mapping, classes=options["c_dim"])
    config = GeneratorConfig(**options) if rows is None else GeneratorConfig(**options, embed_features=rows.shape[1])
    check_agreement(root, config)
    _check_mapping(mapping, config)
    tensors = record.state_dict()
    # Our transform is an argument; one that the file has set is already in the configuration.
    tensors.pop("synthesis.input.transform", None)
    tensors.pop("mapping.embed.weight", None)
    if rows is not None:
        tensors["mapping.embed.weight"] = rows
    return build_from_tensors(lambda: Generator(config), tensors)


def _embedding(mapping: Fields, *, classes: int) -> Tensor | None:
    """The embeddings of the model's classes; ``None`` without classes, where published files carry a table for nothing.

    The published table has a row for each class of ImageNet, whatever the model's classes are: the first ones are used.
    """
    if classes == 0:
        return None
    table = mapping.child("embed")
    held, width = table.shape("weight", axes=2)
    agree(table, num_embeddings=held, embedding_dim=width)
    if table.record.attributes.get("max_norm") is not None:
        raise CheckpointError(f"this snapshot's {table.name} limits its rows, which StyleGAN-XL does not: refused")
    if classes < 1 or classes > held:
        raise CheckpointError(f"this snapshot's {table.name} has {held} rows for {classes} classes: it is damaged")
    check_finite(table, "weight")
    return table.tensor("weight")[:classes]


def _check_mapping(mapping: Fields, config: GeneratorConfig) -> None:
    halves = 1
    if config.c_dim > 0:
        halves = 2
        check_linear(
            mapping.child("embed_proj"),
            in_features=config.embed_features,
            out_features=config.z_dim,
            activation="lrelu",
        )
    for i in range(config.mapping_layers):
        check_linear(
            mapping.child(f"fc{i}"),
            in_features=config.w_dim if i > 0 else config.z_dim * halves,
            out_features=config.w_dim,
            activation="lrelu",
            lr_multiplier=config.mapping_lr_multiplier,
        )
