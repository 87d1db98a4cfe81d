"""Resampling that the tiles room and the sky room share: node grids, kernels, one sampler."""
