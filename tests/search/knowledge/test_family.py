"""The text that ranking reads instead of the catalogue: what is written comes back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lofp_enrich.search.knowledge import family
from lofp_enrich.search.knowledge.family import Family, Member
from tests.conftest import examples

NAME = st.text(alphabet="abcdefghijklmnopqrstuvwxyz0123456789_", min_size=1, max_size=6)
MEMBER = st.builds(
    Member,
    st.text(alphabet="0123456789abcdef", min_size=12, max_size=12),
    st.sampled_from(["benign", "generic", "advice"]),
    st.sampled_from(["", "1"]),
    st.integers(1, 99),
    st.frozensets(NAME, max_size=3),
    st.frozensets(NAME, min_size=1, max_size=2),
    st.lists(st.from_regex(r"T[0-9]{4}(\.[0-9]{3})?", fullmatch=True), min_size=1).map(tuple),
)
TERMS = st.dictionaries(NAME.filter(str.isalnum), st.integers(1, 999), max_size=5)


@examples(40)
@given(
    pairs=st.lists(st.tuples(MEMBER, TERMS), max_size=12, unique_by=lambda pair: pair[0].entry_id),
    size=st.integers(1, 200),
    order=st.randoms(use_true_random=False),
)
def test_members_and_the_entries_of_a_word(
    pairs: list[tuple[Member, dict[str, int]]], size: int, order: object
) -> None:
    """However small the cells, and in whatever order the rows come."""
    members = [member for member, _ in pairs]
    terms = {member.entry_id: tuple(words.items()) for member, words in pairs}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(family, "_PART", size)
        rows = list(family.write(members, terms))
    order.shuffle(rows)  # type: ignore[attr-defined]
    read = Family(rows)
    assert list(read.members) == members
    for word in {word for _, words in pairs for word in words}:
        weights = {place: words[word] for place, (_, words) in enumerate(pairs) if word in words}
        assert read.postings(word) == (max(weights.values()), weights)
    assert read.postings("absent" * 3) == read.postings("") == (0, {})


def test_nothing_is_known_of_a_technique_without_rows() -> None:
    assert Family([]).members == ()
    assert Family([]).postings("x") == (0, {})
