"""The FaceBank of StyleAnime (Li et al. 2023, section 4.3): latents that are known to be good."""

import keras
from keras import ops


@keras.saving.register_keras_serializable("ganime_tf")
class FaceBank(keras.layers.Layer):
    """Latents of the prior that a picture's latents are drawn towards (section 4.3).

    An entry is one w for all layers of the prior, so distances and products of whole W+ codes need
    only sums over the layers.

    Args:
        size: Entries; 50,000 in the paper.
        style_size: Length of a latent.
        num_neighbours: k, entries that the anchor is made of.
        released: The neighbours' weights of the released code; see `bank_weights`.

    Call arguments:
        codes: float32 `(N, L, style_size)`.
        alpha: Share of the codes themselves: a number or `(N,)`.
    """

    def __init__(
        self, size: int, style_size: int, num_neighbours: int = 10, released: bool = False, **kwargs
    ):
        super().__init__(dtype="float32", **{k: v for k, v in kwargs.items() if k != "dtype"})
        if not 1 <= num_neighbours <= size:
            raise ValueError(
                f"`num_neighbours` must be in [1, {size}], the bank's size. Received "
                f"{num_neighbours}."
            )
        self.size, self.style_size = size, style_size
        self.num_neighbours, self.released = num_neighbours, released
        state = {"trainable": False, "initializer": "zeros"}
        self.codes = self.add_weight(name="codes", shape=(size, style_size), **state)
        self.filled = self.add_weight(name="filled", shape=(), **state)
        self.built = True

    def fill(self, codes) -> None:
        """Sets the entries, float `(size, style_size)`."""
        self.codes.assign(codes)
        self.filled.assign(1.0)

    def nearest(self, codes):
        """Returns the numbers of the nearest entries, int32 `(N, k)`, the nearest first.

        Args:
            codes: float32 `(N, L, style_size)`.
        """
        bank = ops.convert_to_tensor(self.codes)
        layers_ = ops.cast(ops.shape(codes)[1], "float32")
        norms = layers_ * ops.sum(ops.square(bank), -1)
        squared = norms - 2.0 * ops.matmul(ops.sum(codes, axis=1), ops.transpose(bank))
        return ops.top_k(-squared, self.num_neighbours)[1]

    def call(self, codes, alpha):
        """Returns `alpha * codes + (1 - alpha) * anchor`, eq. (14); `codes` with an empty bank.

        Args:
            codes: float32 `(N, L, style_size)`.
            alpha: Share of the codes themselves: a number or `(N,)`.
        """
        alpha = ops.reshape(ops.convert_to_tensor(alpha, "float32"), (-1, 1, 1))
        alpha = ops.where(ops.convert_to_tensor(self.filled) > 0, alpha, ops.ones_like(alpha))
        neighbours = ops.take(ops.convert_to_tensor(self.codes), self.nearest(codes), axis=0)
        weights = bank_weights(codes, neighbours[:, :, None], self.released)
        anchor = ops.matmul(weights[:, None], neighbours)  # (N, 1, style_size)
        return alpha * codes + (1.0 - alpha) * anchor

    def get_config(self):
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "size": self.size,
            "style_size": self.style_size,
            "num_neighbours": self.num_neighbours,
            "released": self.released,
        }


def bank_weights(codes, neighbours, released: bool = False, ridge: float = 1e-6):
    """Returns the weights of the combination of neighbours that is nearest to a code, eq. (13).

    Args:
        codes: float32 `(N, L, K)`.
        neighbours: float32 `(N, k, L, K)`, or `(N, k, 1, K)` for entries that repeat one w.
        released: As the released code: the first neighbour's weight is 1 minus the others', whose
            squared sum counts a hundredfold, so that it stays near 1.
        ridge: Share of the mean diagonal that is added to it.

    Returns:
        float32 `(N, k)` with sum 1.
    """
    count = neighbours.shape[1]
    if count == 1:
        return ops.ones_like(codes[:, :1, 0])
    differences = neighbours - codes[:, None]  # (N, k, L, K)
    if released:
        first = neighbours[:, :1]
        rest = ops.broadcast_to(neighbours[:, 1:] - first, ops.shape(differences[:, 1:]))
        system = _products(rest) + 100.0
        target = -ops.sum(rest * differences[:, :1], axis=(2, 3))
        others = _solve(system, target, ridge)
        return ops.concatenate([1.0 - ops.sum(others, 1, keepdims=True), others], axis=1)
    weights = _solve(_products(differences), ops.ones_like(differences[:, :, 0, 0]), ridge)
    return weights / ops.sum(weights, axis=1, keepdims=True)


def _products(rows):
    """Inner products of `(N, k, L, K)`, summed over L and K: `(N, k, k)`."""
    flat = ops.reshape(rows, (ops.shape(rows)[0], rows.shape[1], -1))
    return ops.matmul(flat, ops.transpose(flat, (0, 2, 1)))


def _solve(system, target, ridge):
    count = system.shape[-1]
    diagonal = ops.trace(system, axis1=1, axis2=2) / count
    system = system + (ridge * diagonal + 1e-12)[:, None, None] * ops.eye(count)
    return ops.solve(system, target[..., None])[..., 0]
