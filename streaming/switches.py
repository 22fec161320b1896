"""What the simulation switches off to prove that it would notice; always on elsewhere."""

import msgspec


class Switches(msgspec.Struct, frozen=True):
    """Parts of the worker that a mutation check turns off.

    Attributes:
        dedupe: A trade that comes twice counts once.
        gap_check: A jump in the ids is noted as a hole.
        atomic: The watermark is stored in the transaction of its trades.
        healing: Holes are filled over REST.
    """

    dedupe: bool = True
    gap_check: bool = True
    atomic: bool = True
    healing: bool = True


ALL_ON = Switches()
