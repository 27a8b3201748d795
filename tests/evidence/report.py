"""The evidence as one HTML page that needs nothing beside it, and the pictures as files."""

import base64
from pathlib import Path

from jinja2 import Environment, FileSystemLoader

from tests.evidence.checklist import ADDED, ITEMS
from tests.evidence.dossier import Dossier, Proof
from tests.evidence.french import FRENCH
from tests.evidence.pictures import PICTURES
from tests.evidence.wording import TEXTS

_TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent),
    autoescape=True,
    trim_blocks=True,
    lstrip_blocks=True,
)
_TEMPLATES.filters["base64"] = lambda content: base64.b64encode(content).decode()


def said(proof: Proof, language: str) -> str:
    """What a test promises, in the report's language."""
    return FRENCH.get(proof.function, proof.promise) if language == "fr" else proof.promise


def write(dossier: Dossier, folder: Path) -> None:
    """Write `report.html`, and below `screenshots/` each picture by its name; older ones go."""
    pictures = folder / "screenshots"
    pictures.mkdir(parents=True, exist_ok=True)
    for old in pictures.glob("*.png"):
        old.unlink()
    for picture in dossier.pictures.values():
        if picture.png:
            (pictures / f"{picture.name}.png").write_bytes(picture.png)
    (folder / "report.html").write_text(render(dossier), encoding="utf-8")


def render(dossier: Dossier) -> str:
    """The page."""
    return _TEMPLATES.get_template("report.html.j2").render(
        dossier=dossier,
        t=TEXTS[dossier.language],
        items=ITEMS,
        added=ADDED,
        promise=lambda proof: said(proof, dossier.language),
        verdicts=dossier.verdicts,
        pictures_of={
            item.id: [
                dossier.pictures[name]
                for name, wanted in PICTURES.items()
                if wanted.item == item.id and name in dossier.pictures
            ]
            for item in ITEMS
        },
    )
