"""From texts to the vectors that a model is steered by: tokenizers and networks, without any file or download."""

from explorer.text.byte_pairs import BytePairs
from explorer.text.clip import ClipConfig, ClipText
from explorer.text.encoder import CLIP, ENCODERS, SENTENCES, TextEncoder
from explorer.text.sentence import SentenceConfig, SentenceNetwork
from explorer.text.word_pieces import WordPieces

__all__ = [
    "CLIP",
    "ENCODERS",
    "SENTENCES",
    "BytePairs",
    "ClipConfig",
    "ClipText",
    "SentenceConfig",
    "SentenceNetwork",
    "TextEncoder",
    "WordPieces",
]
