"""Colouring line art from hints: the person chooses colours, the machine finds the borders.

NumPy, SciPy and Pillow only: nothing here imports TensorFlow.
"""
