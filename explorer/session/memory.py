"""Running out of memory, in words that help."""

__all__ = ["NO_MEMORY", "NO_MEMORY_TO_OPEN", "is_lack_of_memory"]

NO_MEMORY = (
    "there is not enough memory: choose a lower precision in the Model panel, close other programs, or open a smaller "
    "model; the last picture stays"
)
"""Of a picture, or of anything made beside it."""
NO_MEMORY_TO_OPEN = (
    "there is not enough memory to open {}: unload the open model in the Model panel, choose a lower precision there, "
    "or close other programs, then try again"
)
"""Of a model."""


def is_lack_of_memory(error: Exception) -> bool:
    """Whether that is what went wrong; torch says it in words, on a processor as a plain RuntimeError."""
    words = str(error).lower()
    return isinstance(error, MemoryError) or (
        isinstance(error, RuntimeError) and ("out of memory" in words or "allocate memory" in words)
    )
