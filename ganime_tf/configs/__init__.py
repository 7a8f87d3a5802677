"""Hyper-parameter tables that import no TensorFlow."""
