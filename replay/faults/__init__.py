"""How the local exchange is made to misbehave: faults as values or as text, seeded, and the seam through which they act."""

from replay.faults.script import FaultScript
from replay.faults.seam import Faults
from replay.faults.spec import KINDS, Fault, parse_fault

__all__ = ["KINDS", "Fault", "FaultScript", "Faults", "parse_fault"]
