"""Turns what a shopper types into queries, from tight to loose, without a query parser that odd characters could trip.

Relevance goes by rungs instead of BM25 scores: a product's rung depends on nothing but the product, so pages neither overlap nor
skip while others insert, and every replica agrees. Scores would move with each insert.
"""

from tantivy import Filter, Occur, Query, Schema, TextAnalyzer, TextAnalyzerBuilder, Tokenizer

TITLE, TEXT = "title", "text"
"""Index fields: name, category and SKU; the same and the description. A word that may be anywhere is looked for once."""

MOST_WORDS = 10
_LONGEST_WORD = 40


def analyzer() -> TextAnalyzer:
    """Words in lower case without accents; those of more than 40 characters are dropped."""
    chain = TextAnalyzerBuilder(Tokenizer.simple()).filter(Filter.remove_long(_LONGEST_WORD))
    return chain.filter(Filter.lowercase()).filter(Filter.ascii_fold()).build()


def typos_allowed(word: str) -> int:
    """Edits (insert, delete, replace, swap neighbours) that a word may be away; none in short words and in numbers."""
    if len(word) < 4 or any(character.isdigit() for character in word):
        return 0
    return 1 if len(word) < 8 else 2


def rungs(schema: Schema, words: list[str]) -> list[Query]:
    """Queries for `words` (analyzed, not empty), each matching all that the one before matches.

    Exactly in the title; exactly anywhere; the last word as a prefix; with typos in the title; with typos anywhere; most of the words.
    """
    words = list(dict.fromkeys(words))[:MOST_WORDS]
    last = len(words) - 1

    def exact(word: str, field: str) -> Query:
        return Query.term_query(schema, field, word, "basic")

    def begun(position: int, field: str) -> Query:
        word = words[position]
        if position < last or len(word) < 2:
            return exact(word, field)
        return Query.fuzzy_term_query(schema, field, word, distance=0, prefix=True)

    def loose(position: int, field: str) -> Query:
        word, typos = words[position], typos_allowed(words[position])
        if not typos:
            return begun(position, field)
        return any_of([begun(position, field), Query.fuzzy_term_query(schema, field, word, distance=typos)])

    positions = range(len(words))
    begun_text = all_of([begun(position, TEXT) for position in positions])
    loose_title = all_of([loose(position, TITLE) for position in positions])
    loose_text = [loose(position, TEXT) for position in positions]
    most = len(words) - len(words) // 3
    ladder = [
        all_of([exact(word, TITLE) for word in words]),
        all_of([exact(word, TEXT) for word in words]),
        begun_text,
        any_of([begun_text, loose_title]),
        all_of(loose_text),
    ]
    if most < len(words):
        ladder.append(Query.boolean_query([(Occur.Should, query) for query in loose_text], most))
    return ladder


def all_of(queries: list[Query]) -> Query:
    return Query.boolean_query([(Occur.Must, query) for query in queries])


def any_of(queries: list[Query]) -> Query:
    return Query.boolean_query([(Occur.Should, query) for query in queries])
