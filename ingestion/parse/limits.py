"""How much one document may cost."""

from dataclasses import dataclass

MB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Limits:
    """Caps on one file and on the child that parses it."""

    file_bytes: int = 50 * MB
    """The longest real filings are under 30 MB; larger files are scans or assembled folders."""

    pages: int = 3_000
    """Several times the longest annual report; page bombs declare tens of thousands."""

    characters: int = 20_000_000
    """Of all pages together: about 6,000 dense pages."""

    archive_entries: int = 10_000
    """Of an Office document; a deck of 1,000 slides has some 5,000."""

    unpacked_bytes: int = 200 * MB
    """Of an Office document's parts together, media included."""

    unpacked_ratio: int = 200
    """Of a part of more than `MB`: real sheets reach 30, an archive bomb 1,000."""

    outline_entries: int = 2_000
    """More PDF bookmarks than that is generated noise, or a bomb."""

    structure_seconds: float = 10.0
    """CPU for outline, labels and title; past it the document goes without, its text is worth more.
    Real files need 0.2 s, a file that pypdf chokes on needs for ever."""

    answer_bytes: int = 200 * MB
    """What the parent accepts from a child: the characters above, in UTF-8 and twice over."""

    memory_bytes: int = 1024 * MB
    """Address space of the child; real documents need a quarter of it."""

    cpu_seconds: int = 60
    """3,000 pages at half the measured speed."""

    open_files: int = 32
    """Three pipes, the libraries being imported, and fonts."""

    wall_seconds: float = 30.0
    """Until the number of pages is known; a busy machine may take that long to start a child."""

    wall_seconds_per_page: float = 0.2
    """Added once the number of pages is known."""

    wall_seconds_most: float = 600.0
    """Never longer than this, however many pages."""

    def wall_for(self, pages: int) -> float:
        """Seconds that a document of so many pages may take."""
        return min(self.wall_seconds + self.wall_seconds_per_page * pages, self.wall_seconds_most)
