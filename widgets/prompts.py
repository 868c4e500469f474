"""What the Prompt panel does to a condition: texts and their weights, in order. No screen."""

from explorer.state import Condition, NoCondition, Prompt

__all__ = ["added", "removed", "reweighted", "reworded", "shares", "short", "texts_of"]

Weights = tuple[tuple[str, float], ...]


def texts_of(condition: Condition) -> Weights:
    """The texts of a condition, each with its weight; none where it is no prompt."""
    return condition.weights if isinstance(condition, Prompt) else ()


def added(condition: Condition, text: str) -> Condition:
    """With one more text at the end; the same condition where there is nothing but space."""
    text = " ".join(text.split())
    return Prompt((*texts_of(condition), (text, 1.0))) if text else condition


def reworded(condition: Condition, index: int, text: str) -> Condition:
    """With other words in one place; the same condition where there is nothing but space."""
    text = " ".join(text.split())
    return _with(condition, index, (text, texts_of(condition)[index][1])) if text else condition


def reweighted(condition: Condition, index: int, weight: float) -> Condition:
    """With another weight in one place."""
    return _with(condition, index, (texts_of(condition)[index][0], weight))


def removed(condition: Condition, index: int) -> Condition:
    """Without one text; no condition when none is left."""
    weights = texts_of(condition)
    left = (*weights[:index], *weights[index + 1 :])
    return Prompt(left) if left else NoCondition()


def shares(condition: Condition) -> tuple[float, ...]:
    """How much each text counts, -1 to 1: the sizes add up to 1, unless all weights are 0."""
    weights = [weight for _, weight in texts_of(condition)]
    total = sum(map(abs, weights))
    return tuple(weight / total if total else 0.0 for weight in weights)


def short(text: str, most: int = 28) -> str:
    """A text for the label of a step."""
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"


def _with(condition: Condition, index: int, part: tuple[str, float]) -> Prompt:
    weights = texts_of(condition)
    return Prompt((*weights[:index], part, *weights[index + 1 :]))
