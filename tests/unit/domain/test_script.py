"""Scripts: which words mix such as are not written together."""

import pytest

from shortener.domain import script

#: By name: a word and the scripts that it mixes.
WORDS: dict[str, tuple[str, list[str]]] = {
    "latin": ("sale-2026_a", []),
    "latin-with-accents": ("größe", []),
    "cyrillic": ("ссылка7", []),
    "digits": ("2026", []),
    "arabic-digits-in-latin": ("a٤٢", []),
    "japanese": ("日本のカタカナー", []),
    "korean": ("漢字한글", []),
    "chinese-with-bopomofo": ("注音ㄓㄨ", []),
    "hindi-with-vowel-signs": ("हिन्दी", []),
    "full-width-latin": ("ｓａｌｅa", []),
    "superscript": ("xªʰ", []),
    "cyrillic-in-latin": ("pаypal", ["Latin", "Cyrillic"]),
    "latin-in-cyrillic": ("ссылкa", ["Cyrillic", "Latin"]),
    "greek-in-latin": ("οk", ["Greek", "Latin"]),
    "cherokee-in-latin": ("Ꭺbc", ["Cherokee", "Latin"]),
    "armenian-in-latin": ("օne", ["Armenian", "Latin"]),
    "han-in-latin": ("go日本", ["Latin", "Han"]),
    "three": ("aаα", ["Latin", "Cyrillic", "Greek"]),
    "hangul-and-kana": ("한か", ["Hangul", "Hiragana"]),
}


@pytest.mark.parametrize(("word", "scripts"), WORDS.values(), ids=list(WORDS))
def test_mixed(word: str, scripts: list[str]) -> None:
    assert script.mixed(word) == scripts
