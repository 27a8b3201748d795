"""All that the doctor says, a catalogue for each language; both hold the same keys."""

from tasks.doctor.wording import en, fr
from tasks.doctor.wording.catalogue import Catalogue, Saying

__all__ = ["CATALOGUES", "Catalogue", "Saying"]

CATALOGUES = {"fr": fr.CATALOGUE, "en": en.CATALOGUE}
