"""What is remembered of names that GitLab sends, as either database can hold it and find it again."""


def storable(name: str, longest: int) -> str:
    """A name as it is, but for what is none of GitLab's: NUL, and more than PostgreSQL's index takes."""
    return name.replace("\0", "")[:longest]
