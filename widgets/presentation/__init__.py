"""A second window for another screen: the picture alone, in a process of its own.

The main window writes pictures into shared memory and tells of them through a pipe (feed.py, blocks.py); the other
process waits for either a hand or a picture, and draws (viewer.py). That process imports neither a framework nor
anything of ``explorer``, so it opens at once and ends with the main window, however that ends.
"""
