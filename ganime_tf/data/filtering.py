"""Leaving out samples of a domain by metadata, rating and artist."""

import collections
import logging

import numpy as np

from ganime_tf.data.domain import Domain
from ganime_tf.data.metadata import compile_where, find_record, read_metadata
from ganime_tf.data.spec import DataSpec

logger = logging.getLogger(__name__)


def filter_domains(domains: list[Domain], spec: DataSpec) -> list[Domain]:
    """Keeps what `where`, `ratings` and `min_images_per_artist` ask for.

    Domains of which no file is in the metadata are left as they are (the photos beside drawings).

    Raises:
        ValueError: When there are conditions but no metadata, or nothing is left.
    """
    if spec.metadata is None:
        if spec.where:
            raise ValueError("`where` needs `metadata`: a CelebA attributes file or a JSONL.")
        return domains
    records = read_metadata(spec.metadata)
    holds = compile_where(spec.where)
    result, matched = [], False
    for domain in domains:
        found = [find_record(records, name) for name in domain.names]
        if not any(found):
            result.append(domain)
            continue
        matched = True
        keep = [
            record is not None
            and record.values.get("rating", spec.ratings[0])[:1] in {r[:1] for r in spec.ratings}
            and holds(record)
            for record in found
        ]
        counts = collections.Counter(
            record.artist for record, kept in zip(found, keep, strict=True) if kept
        )
        if spec.min_images_per_artist > 1:
            keep = [
                kept and record.artist and counts[record.artist] >= spec.min_images_per_artist
                for record, kept in zip(found, keep, strict=True)
            ]
        keep = np.flatnonzero(keep)
        logger.info("%s: %d of %d pass the filter", domain.name, len(keep), len(domain))
        if not len(keep):
            raise ValueError(
                f"None of the {len(domain)} pictures of {domain.name} passes where={spec.where}, "
                f"ratings={spec.ratings}, min_images_per_artist={spec.min_images_per_artist}; "
                f"{sum(record is not None for record in found)} of them are in {spec.metadata}."
            )
        result.append(domain.select(keep))
    if not matched:
        raise ValueError(
            f"No picture of {spec.title} is in {spec.metadata} (matched by stem, or by the first "
            "number in the file name)."
        )
    return result
