"""Pictures in, numbers out. Nothing here knows a model: any method is scored by the same code.

Networks are built and their weights looked for when a metric that needs them is asked for.
"""

from ganime_tf.metrics.colour import ciede2000
from ganime_tf.metrics.evaluate import evaluate_folders, evaluate_samples, folder_statistics
from ganime_tf.metrics.evaluator import METRICS, Evaluator
from ganime_tf.metrics.frechet import (
    FeatureStatistics,
    frechet_distance,
    frechet_distance_of_features,
    load_statistics,
    save_statistics,
)
from ganime_tf.metrics.kid import kid
from ganime_tf.metrics.labels import (
    classifier_accuracy,
    confusion_matrix,
    evaluate_labels,
    segmentation_scores,
)
from ganime_tf.metrics.lpips import LPIPS, load_lpips
from ganime_tf.metrics.neighbours import precision_recall
from ganime_tf.metrics.report import Report, Score
from ganime_tf.metrics.similarity import l1, ms_ssim, psnr, ssim

__all__ = [
    "METRICS",
    "Evaluator",
    "FeatureStatistics",
    "LPIPS",
    "Report",
    "Score",
    "ciede2000",
    "classifier_accuracy",
    "confusion_matrix",
    "evaluate_folders",
    "evaluate_labels",
    "evaluate_samples",
    "folder_statistics",
    "frechet_distance",
    "frechet_distance_of_features",
    "kid",
    "l1",
    "load_lpips",
    "load_statistics",
    "ms_ssim",
    "precision_recall",
    "psnr",
    "save_statistics",
    "segmentation_scores",
    "ssim",
]
