"""Package metadata; tool configuration is in pyproject.toml."""

import re
from pathlib import Path

from setuptools import find_packages, setup

ROOT = Path(__file__).parent
VERSION = re.search(r'__version__ = "(.+)"', (ROOT / "ganime_tf/version.py").read_text())[1]

EXTRAS = {
    # Converting PyTorch checkpoints.
    "convert": ["torch>=2.4"],
    # `import tensorflow_hub` needs pkg_resources, which setuptools 82 removed.
    "hub": ["setuptools<82"],
    # LiteRT files as models.
    "litert": ["ai-edge-litert>=1.2"],
    # Exporting to ONNX, and using it.
    "onnx": ["tf2onnx>=1.17", "onnx>=1.17", "onnxruntime>=1.20"],
    # Videos, and smoothing along their motion.
    "video": ["av>=12", "opencv-python-headless>=4.8,<5"],
    # Colour layers as PSD files.
    "psd": ["psd-tools>=1.10"],
    # TensorFlow with its CUDA libraries: without it, a GPU machine computes on the CPU.
    "gpu": ["tensorflow[and-cuda]>=2.20"],
    # Face cropping.
    "faces": ["opencv-python-headless>=4.8,<5"],
    "notebooks": ["jupyterlab", "ipywidgets"],
    "docs": ["mkdocs<2", "mkdocs-material>=9.5", "mkdocstrings[python]>=0.26"],
    "dev": [
        "hypothesis>=6.100",
        "nbclient>=0.10",
        "nbformat>=5.10",
        "ipykernel>=6.29",
        "pytest>=8.2",
        "pytest-cov>=6",
        "pytest-timeout>=2.3",
        "pytest-xdist>=3.6",
        "ruff>=0.14",
        "scikit-image>=0.24",
    ],
}

setup(
    name="ganime-tf",
    version=VERSION,
    description="Translating images into, out of and within anime, in TensorFlow and Keras",
    long_description=(ROOT / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="MIT",
    packages=find_packages(include=["ganime_tf", "ganime_tf.*"]),
    package_data={"ganime_tf.colouring": ["*.npz"], "ganime_tf.serving": ["static/*"]},
    python_requires=">=3.11",
    install_requires=[
        "tensorflow>=2.20",
        "tensorflow-hub>=0.16",
        "keras>=3.13",
        "numpy>=2.0",
        "scipy>=1.14",
        "pillow>=10.4",
        "matplotlib>=3.9",
        "tensorboard>=2.20",
        "tyro>=0.9.30",
    ],
    extras_require=EXTRAS,
    entry_points={"console_scripts": ["ganime = ganime_tf.cli:main"]},
    classifiers=[
        "Programming Language :: Python :: 3.11",
        "Programming Language :: Python :: 3.12",
        "Programming Language :: Python :: 3.13",
        "Topic :: Scientific/Engineering :: Image Processing",
    ],
)
