"""Pictures in, numbers out. Nothing here knows a model: any method is scored by the same code.

Importing this package loads NumPy, SciPy and Pillow only; networks are loaded when a metric that
needs one is asked for.
"""

from ganime_tf.metrics.colour import ciede2000
from ganime_tf.metrics.evaluate import evaluate_folders
from ganime_tf.metrics.evaluator import METRICS, Evaluator
from ganime_tf.metrics.report import Report, Score
from ganime_tf.metrics.similarity import l1, ms_ssim, psnr, ssim

__all__ = [
    "METRICS",
    "Evaluator",
    "Report",
    "Score",
    "ciede2000",
    "evaluate_folders",
    "l1",
    "ms_ssim",
    "psnr",
    "ssim",
]
