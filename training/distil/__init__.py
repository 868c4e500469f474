"""Distillation: a StyleGAN3 is taught what a StyleGAN2 draws."""
