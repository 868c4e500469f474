"""How far generated pictures are from real ones, how varied they are, and how smoothly they follow their latents."""
