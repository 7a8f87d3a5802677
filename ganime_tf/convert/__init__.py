"""Released checkpoints of other code -> our models, one module per layout."""
