"""The glossary: every word has its Chinese term, and its first use on a page leads to it."""

from __future__ import annotations

import importlib.util
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from bs4 import BeautifulSoup

from tests import pages
from tests.pages import book_build, book_html

__all__ = ["book_build", "book_html"]  # fixtures, found by their names

SOURCE = pages.REPO / "book" / "glossary.md"
# of the document: the words that it uses for what the book explains
OF_THE_DOCUMENT = [
    "人工智能",
    "神经网络",
    "神经元",
    "层",
    "输入层",
    "隐藏层",
    "输出层",
    "权重",
    "偏置",
    "激活函数",
    "损失函数",
    "均方误差",
    "交叉熵",
    "梯度下降",
    "前向传播",
    "后向传播",
    "链式法则",
    "学习率",
    "批次大小",
    "训练轮",
    "优化器",
    "随机梯度下降",
    "准确率",
    "评估指标",
    "阈值",
    "特征",
    "标签",
]


@pytest.fixture(scope="module")
def extension() -> Any:
    spec = importlib.util.spec_from_file_location(
        "glossary_links", pages.REPO / "book" / "extensions" / "glossary_links.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_word_is_there_once_in_order_with_its_chinese_term(extension: Any) -> None:
    text = SOURCE.read_text(encoding="utf-8")
    entries = extension.ENTRY.findall(text.partition("```{glossary}\n")[2])
    words = [word for word, _ in entries]
    assert words == sorted(set(words), key=str.lower)
    assert len(words) > 60
    for word, body in entries:
        assert re.match(r"\s*[^.]*[\u4e00-\u9fff][^.]*\. ", body), word
        assert len(extension.read(text)[word]) > 20, word
    for chinese in OF_THE_DOCUMENT:
        assert chinese in text


def test_the_first_use_of_a_word_leads_to_its_entry(extension: Any, book_html: Path) -> None:
    entries = extension.read(SOURCE.read_text(encoding="utf-8"))
    find = extension.pattern(list(entries))
    canonical = {word.lower(): word for word in entries}
    for notebook in pages.notebooks():
        here = pages.page(book_html, f"notebooks/{notebook.stem}.html")
        links = here.article.select("a.term")
        assert links, notebook.stem
        targets = Counter(pages.attribute(a, "href") for a in links)
        assert set(targets.values()) == {1}, "each word is linked once"
        linked = set()
        for a in links:
            match = find.fullmatch(a.get_text())
            assert match is not None, a
            word = canonical[match[1].lower()]
            linked.add(word)
            assert pages.attribute(a, "title") == entries[word]
        copy = BeautifulSoup(str(here.article), "html.parser")
        for tag in copy.select("div.cell_output"):
            tag.decompose()  # what code has printed or drawn is shown as it is
        paragraphs = [tag for tag in copy.select("p") if not tag.find_parent("aside")]
        for tag in paragraphs:
            for inner in tag.select("code, a:not(.term), .math, .caption-text"):
                inner.replace_with("\ufffc")
        plain = "\n".join(tag.get_text() for tag in paragraphs if not tag.find_parent("figcaption"))
        used = {canonical[m[1].lower()] for m in find.finditer(plain)}
        assert used == linked, (notebook.stem, used ^ linked)


def test_plurals_and_long_words_are_found(extension: Any) -> None:
    find = extension.pattern(["batch", "batch size", "loss", "ReLU"])
    found = [
        m[0] for m in find.finditer("Batches of a batch size; losses, glossy relu-like ReLUs.")
    ]
    assert found == ["Batches", "batch size", "losses", "ReLUs"]
