"""Everything that draws: the window, its loop, the picture's texture, the panels.

The window is a reflection of `Session.state`. Panels read it in ``refresh`` and answer a person's hand with a new
state; nothing is computed here, and no framework is imported. Start it with `widgets.app.run`.
"""
