"""Finds requests by parts of their names, paths, methods and addresses, the likeliest first. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from core.workspace.tree import TreeNode

_SEPARATORS = str.maketrans(dict.fromkeys("\n\t !\"#$%&'()*+,-./:;<=>?@[]^_`|~\\", " "))


class Finder:
    """Made once for a tree; each look-up goes through texts in memory, so that it fits between two keys."""

    def __init__(self, nodes: Iterable[TreeNode]) -> None:
        self._all = [_Entry(node) for node in nodes]
        self._last: tuple[str, Sequence[_Entry]] = ("", self._all)

    def find(self, typed: str) -> Sequence[TreeNode]:
        """Every request in which each of the words stands: in tree order those that match equally well."""
        typed = typed.casefold()
        words = typed.split()
        before, among = self._last
        if not typed.startswith(before):
            among = self._all
        found = [entry for entry in among if all(word in entry.text for word in words)]
        self._last = (typed, found)
        if words:
            pairs = [(word, f" {_spaced(word)}") for word in words]
            found = sorted(found, key=lambda entry: sum(entry.rank(word, start) for word, start in pairs))
        return [entry.node for entry in found]


class _Entry:
    __slots__ = ("label", "method", "name_starts", "names", "node", "stem", "text", "url", "url_starts")

    def __init__(self, node: TreeNode) -> None:
        self.node = node
        self.label = node.name.casefold()
        self.stem = node.stem.casefold()
        self.method = node.method.casefold()
        self.names = f"{node.ref}\n{node.name}".casefold()
        self.url = node.url.casefold()
        self.name_starts = f" {_spaced(self.names)}"
        self.url_starts = f" {_spaced(self.url)}"
        self.text = "\n".join((self.names, self.method, self.url, node.about.casefold()))

    def rank(self, word: str, start: str) -> int:
        """How far a word that stands somewhere in the text is from being what was meant; `start` is the word behind a
        blank, as the beginning of a word is found."""
        if word in (self.label, self.stem):
            return 0
        if self.label.startswith(word) or self.stem.startswith(word):
            return 1
        if word == self.method or start in self.name_starts:
            return 2
        if word in self.names:
            return 4
        if start in self.url_starts:
            return 5
        return 6 if word in self.url else 8


def _spaced(text: str) -> str:
    """With blanks for what stands between words."""
    return text.translate(_SEPARATORS).strip()
