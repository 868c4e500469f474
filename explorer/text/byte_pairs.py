"""CLIP's tokenizer: bytes joined to the longest known pieces.

Source: CLIP (Radford et al. 2021), section 2.4; byte pair encoding as in GPT-2 (Radford et al. 2019), section 2.2.
"""

import unicodedata
from collections.abc import Mapping, Sequence
from itertools import pairwise
from types import MappingProxyType

from explorer.errors import CheckpointError

__all__ = ["BEGIN", "END", "BytePairs", "byte_letters", "standard_vocabulary"]

BEGIN, END = "<|startoftext|>", "<|endoftext|>"
WORD_END = "</w>"
_CONTRACTIONS = ("'s", "'t", "'re", "'ve", "'m", "'ll", "'d")


def byte_letters() -> tuple[str, ...]:
    """A letter for each byte, in the order of CLIP's vocabulary: those that print stand for themselves."""
    ranges = (range(ord("!"), ord("~") + 1), range(ord("¡"), ord("¬") + 1), range(ord("®"), ord("ÿ") + 1))
    printing = [byte for part in ranges for byte in part]
    others = [byte for byte in range(256) if byte not in printing]
    return tuple(map(chr, printing)) + tuple(chr(256 + i) for i in range(len(others)))


def standard_vocabulary(merges: Sequence[tuple[str, str]]) -> dict[str, int]:
    """Numbers of all pieces as CLIP counts them: bytes, bytes that end a word, merges in order, the two marks."""
    letters = byte_letters()
    pieces = [*letters, *(letter + WORD_END for letter in letters), *(a + b for a, b in merges), BEGIN, END]
    return {piece: number for number, piece in enumerate(pieces)}


class BytePairs:
    """Cuts a text into pieces and gives their numbers.

    Args:
        vocabulary: Number of each piece.
        merges: Pairs of pieces in the order in which they are joined.
        length: The most numbers that the network takes, both marks counted.

    Raises:
        CheckpointError: A byte or a mark has no number.
    """

    def __init__(self, vocabulary: Mapping[str, int], merges: Sequence[tuple[str, str]], *, length: int) -> None:
        letters = byte_letters()
        order = [ord(letter) for letter in letters if ord(letter) < 256]
        order += [byte for byte in range(256) if byte not in order]
        self._letter = dict(zip(order, letters, strict=True))
        self._vocabulary = MappingProxyType(dict(vocabulary))
        self._rank = {pair: rank for rank, pair in enumerate(merges)}
        self._length = length
        for piece in (*letters, *(letter + WORD_END for letter in letters), BEGIN, END):
            if piece not in self._vocabulary:
                raise CheckpointError(f"this tokenizer does not know {piece!r}: its vocabulary is damaged or no CLIP's")

    @property
    def largest(self) -> int:
        """The largest number that may come out."""
        return max(self._vocabulary.values())

    def __call__(self, text: str) -> list[int]:
        """The numbers of a text between its two marks; what is too long is cut."""
        clean = " ".join(unicodedata.normalize("NFC", text).split()).lower()
        numbers = [self._vocabulary[piece] for word in _words(clean) for piece in self._pieces(word)]
        room = max(0, self._length - 2)
        return [self._vocabulary[BEGIN], *numbers[:room], self._vocabulary[END]]

    def _pieces(self, word: str) -> list[str]:
        parts = [self._letter[byte] for byte in word.encode("utf-8", "replace")]
        parts[-1] += WORD_END
        # Only the beginning of a text is read anyway; joining takes time that grows with the square of a word.
        parts = parts[: 16 * self._length]
        while len(parts) > 1:
            ranks = [self._rank.get(pair, len(self._rank)) for pair in pairwise(parts)]
            best = min(ranks)
            if best == len(self._rank):
                break
            joined, i = [], 0
            while i < len(parts):
                if i < len(ranks) and ranks[i] == best:
                    joined.append(parts[i] + parts[i + 1])
                    i += 2
                else:
                    joined.append(parts[i])
                    i += 1
            parts = joined
        if any(part not in self._vocabulary for part in parts):
            raise CheckpointError("this tokenizer's merges make pieces that its vocabulary lacks: it is damaged")
        return parts


def _words(text: str) -> list[str]:
    """Runs of letters, single digits, runs of other signs, and the ends of English contractions."""
    words, i = [], 0
    while i < len(text):
        ending = next((ending for ending in _CONTRACTIONS if text.startswith(ending, i)), None)
        if ending is not None:
            words.append(ending)
            i += len(ending)
            continue
        kind, start = _kind(text[i]), i
        i += 1
        while kind in "LO" and i < len(text) and _kind(text[i]) == kind:
            i += 1
        if kind != " ":
            words.append(text[start:i])
    return words


def _kind(character: str) -> str:
    if character.isspace():
        return " "
    category = unicodedata.category(character)[0]
    return category if category in "LN" else "O"
