"""BERT's tokenizer for text in lower case: words cut into the longest known pieces, from the left.

Source: BERT (Devlin et al. 2019), section 3; WordPiece (Wu et al. 2016), section 4.1.
"""

import unicodedata
from collections.abc import Mapping
from types import MappingProxyType

from explorer.errors import CheckpointError

__all__ = ["WordPieces"]

_BEGIN, _END, _UNKNOWN = "[CLS]", "[SEP]", "[UNK]"
_LONGEST_WORD = 100
# Where scripts are written without spaces: every sign is a word.
_IDEOGRAPHS = (
    (0x3400, 0x4DBF),
    (0x4E00, 0x9FFF),
    (0xF900, 0xFAFF),
    (0x20000, 0x2A6DF),
    (0x2A700, 0x2B73F),
    (0x2B740, 0x2B81F),
    (0x2B820, 0x2CEAF),
    (0x2F800, 0x2FA1F),
)


class WordPieces:
    """Cuts a text into pieces and gives their numbers.

    Args:
        vocabulary: Number of each piece; those that go on with a word begin with ``##``.
        length: The most numbers that the network takes, both marks counted.

    Raises:
        CheckpointError: A mark has no number.
    """

    def __init__(self, vocabulary: Mapping[str, int], *, length: int) -> None:
        self._vocabulary = MappingProxyType(dict(vocabulary))
        self._length = length
        for mark in (_BEGIN, _END, _UNKNOWN):
            if mark not in self._vocabulary:
                raise CheckpointError(f"this tokenizer does not know {mark}: its vocabulary is damaged or no BERT's")

    @property
    def largest(self) -> int:
        """The largest number that may come out."""
        return max(self._vocabulary.values())

    def __call__(self, text: str) -> list[int]:
        """The numbers of a text between its two marks; what is too long is cut."""
        pieces = [piece for word in _words(text) for piece in self._pieces(word)]
        room = max(0, self._length - 2)
        return [self._vocabulary[piece] for piece in (_BEGIN, *pieces[:room], _END)]

    def _pieces(self, word: str) -> list[str]:
        if len(word) > _LONGEST_WORD:
            return [_UNKNOWN]
        pieces, start = [], 0
        while start < len(word):
            begin = "##" if start else ""
            ends = range(len(word), start, -1)
            end = next((end for end in ends if begin + word[start:end] in self._vocabulary), None)
            if end is None:
                return [_UNKNOWN]
            pieces.append(begin + word[start:end])
            start = end
        return pieces


def _words(text: str) -> list[str]:
    """Lower case without accents, parted at spaces, signs of punctuation and ideographs."""
    spaced = "".join(f" {sign} " if _is_ideograph(sign) else sign for sign in map(_visible, text))
    plain = "".join(sign for sign in unicodedata.normalize("NFD", spaced) if unicodedata.category(sign) != "Mn")
    return "".join(f" {sign} " if _is_punctuation(sign) else sign for sign in plain.lower()).split()


def _visible(sign: str) -> str:
    """The sign, a space for any white one, nothing for a control character."""
    if sign in "\t\n\r" or unicodedata.category(sign) == "Zs":
        return " "
    return "" if unicodedata.category(sign)[0] == "C" or sign == "\ufffd" else sign


def _is_ideograph(sign: str) -> bool:
    return sign != "" and any(low <= ord(sign) <= high for low, high in _IDEOGRAPHS)


def _is_punctuation(sign: str) -> bool:
    return (sign.isascii() and sign.isprintable() and not sign.isalnum() and sign != " ") or (
        unicodedata.category(sign)[0] == "P"
    )
