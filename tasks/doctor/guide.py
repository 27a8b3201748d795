"""python -m tasks.doctor.guide: write what the doctor can find, and the remedies, into the operators' guides."""

import re

from tasks.doctor.wording import CATALOGUES, Catalogue
from tasks.generated import DOCS, item, replaced

GUIDES = {"fr": DOCS / "exploitation.fr.md", "en": DOCS / "operate.md"}
_VALUE = re.compile(r"\{\w+\}")


def page(language: str, text: str) -> str:
    """The guide with its list as the catalogue has it now; `text` is the guide as it is."""
    return replaced(
        text, _listed(CATALOGUES[language], " : " if language == "fr" else ": "), "tasks.doctor.guide"
    )


def _listed(catalogue: Catalogue, colon: str) -> str:
    """An item for each finding; what differs from site to site is …"""
    return "\n".join(
        item(_VALUE.sub("…", f"`{code}`{colon}{saying.why} → {saying.remedy}"))
        for code, saying in catalogue.broken.items()
    )


if __name__ == "__main__":
    for _language, _guide in GUIDES.items():
        _guide.write_text(page(_language, _guide.read_text(encoding="utf-8")), encoding="utf-8")
